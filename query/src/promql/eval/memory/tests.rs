//! Accounts: limits of their own and of the pool, nothing lost, also with many threads.

use super::*;

/// A pool of so many bytes.
struct Shared {
    limit: usize,
    taken: AtomicUsize,
}

impl MemoryPool for Shared {
    fn take(&self, bytes: usize) -> Result<(), PoolEmpty> {
        let grant = |taken: usize| taken.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, grant)
            .map(drop)
            .map_err(|taken| PoolEmpty {
                limit: self.limit,
                taken,
            })
    }

    fn give_back(&self, bytes: usize) {
        self.taken.fetch_sub(bytes, Ordering::Relaxed);
    }
}

fn pool(limit: usize) -> Arc<Shared> {
    Arc::new(Shared {
        limit,
        taken: AtomicUsize::new(0),
    })
}

#[test]
fn an_account_refuses_what_is_over_its_own_limit_and_holds_no_more() {
    let account = Account::new(1000, None);
    account.reserve(900).unwrap();
    let refused = account.reserve(200);
    assert_eq!(
        refused,
        Err(OutOfMemory::Query {
            limit: 1000,
            asked: 1100
        })
    );
    assert_eq!((account.held(), account.peak()), (900, 900));
    account.release(900);
    account.reserve(1000).unwrap();
    assert_eq!(account.peak(), 1000);
}

#[test]
fn two_accounts_share_a_pool_to_the_last_byte() {
    let shared = pool(STEP + 1000);
    let (a, b) = (
        Account::new(usize::MAX, Some(shared.clone())),
        Account::new(usize::MAX, Some(shared.clone())),
    );
    a.reserve(10).unwrap();
    assert_eq!(shared.taken.load(Ordering::Relaxed), STEP);
    // Less than a step is left, and it can be had.
    b.reserve(1000).unwrap();
    let refused = b.reserve(1).unwrap_err();
    let OutOfMemory::Node { limit, taken, asked } = refused else {
        panic!("{refused}");
    };
    assert_eq!((limit, taken, asked), (STEP + 1000, STEP + 1000, 1001));
    assert_eq!(b.held(), 1000);
    drop(a);
    b.reserve(1).unwrap();
    drop(b);
    assert_eq!(shared.taken.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_released_goes_back_to_the_pool_before_the_query_ends() {
    let shared = pool(usize::MAX);
    let account = Account::new(usize::MAX, Some(shared.clone()));
    account.reserve(100 * STEP).unwrap();
    account.release(100 * STEP);
    assert!(shared.taken.load(Ordering::Relaxed) <= 2 * SPARE);
}

#[test]
fn threads_account_for_every_byte() {
    let shared = pool(64 * STEP);
    let account = Account::new(usize::MAX, Some(shared.clone()));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let account = &account;
            scope.spawn(move || {
                for i in 0..20_000_usize {
                    let bytes = (i * 7919 + thread * 104_729) % (8 * STEP);
                    account.reserve(bytes).unwrap();
                    account.release(bytes);
                }
            });
        }
    });
    assert_eq!(account.held(), 0);
    drop(account);
    assert_eq!(shared.taken.load(Ordering::Relaxed), 0);
}
