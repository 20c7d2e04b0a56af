//! Sets of addresses, and addresses found in texts.

use std::net::IpAddr;

/// Addresses: one, a network or a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::logql) struct IpSet {
    first: IpAddr,
    last: IpAddr,
}

impl IpSet {
    /// From `10.0.0.1`, `10.0.0.0/8` or `10.0.0.1-10.0.0.9`.
    pub(in crate::logql) fn parse(pattern: &str) -> Result<IpSet, String> {
        Self::of(pattern).ok_or_else(|| format!("ip: invalid pattern: {pattern:?}"))
    }

    fn of(pattern: &str) -> Option<IpSet> {
        if let Some((first, last)) = pattern.split_once('-') {
            let set = IpSet {
                first: first.trim().parse().ok()?,
                last: last.trim().parse().ok()?,
            };
            return (set.first.is_ipv4() == set.last.is_ipv4() && set.first <= set.last).then_some(set);
        }
        let Some((address, bits)) = pattern.split_once('/') else {
            let address = pattern.parse().ok()?;
            return Some(IpSet {
                first: address,
                last: address,
            });
        };
        let bits: u32 = bits.parse().ok()?;
        match address.parse().ok()? {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shr(bits).or((bits == 32).then_some(0))?;
                let first = v4.to_bits() & !mask;
                Some(IpSet {
                    first: IpAddr::V4(first.into()),
                    last: IpAddr::V4((first | mask).into()),
                })
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shr(bits).or((bits == 128).then_some(0))?;
                let first = v6.to_bits() & !mask;
                Some(IpSet {
                    first: IpAddr::V6(first.into()),
                    last: IpAddr::V6((first | mask).into()),
                })
            }
        }
    }

    fn contains(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.first.is_ipv4() && self.first <= address && address <= self.last
    }

    /// True when a text has one of the addresses in it.
    pub(in crate::logql) fn is_in(&self, text: &[u8]) -> bool {
        let of_address = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b'.' | b':');
        text.split(|b| !of_address(b))
            .any(|run| run.len() > 1 && self.is_in_run(run))
    }

    fn is_in_run(&self, run: &[u8]) -> bool {
        let parsed = |bytes: &[u8]| {
            let text = std::str::from_utf8(bytes).ok()?;
            text.trim_end_matches('.').parse::<IpAddr>().ok()
        };
        if run.contains(&b':') {
            let trimmed = run
                .strip_suffix(b":")
                .filter(|r| !r.ends_with(b":"))
                .unwrap_or(run);
            // The end of an address of version 6 may look like one of version 4.
            if let Some(address) = parsed(run).or_else(|| parsed(trimmed)) {
                return self.contains(address);
            }
        }
        let of_v4 = |b: &u8| b.is_ascii_digit() || *b == b'.';
        run.split(|b| !of_v4(b))
            .filter_map(parsed)
            .any(|ip| self.contains(ip))
    }
}
