//! Tests of tickets.

use super::*;

#[test]
fn a_waiting_thread_gets_the_result() {
    let (completer, ticket) = ticket();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| ticket.wait());
        completer.complete(Ok(7));
        assert_eq!(waiter.join().unwrap().unwrap(), 7);
    });
}

#[test]
fn polling_registers_a_waker_and_then_is_ready() {
    let (completer, mut ticket) = ticket();
    let mut cx = Context::from_waker(Waker::noop());
    assert!(Pin::new(&mut ticket).poll(&mut cx).is_pending());
    completer.complete(Ok("done"));
    assert!(matches!(
        Pin::new(&mut ticket).poll(&mut cx),
        Poll::Ready(Ok("done"))
    ));
}

#[test]
fn a_dropped_completer_closes_the_ticket() {
    let (completer, ticket) = ticket::<()>();
    drop(completer);
    assert!(matches!(ticket.wait(), Err(Error::Closed)));
}
