//! The workload of the macro measurements: the real scrapes of the recording, multiplied and extended in time.
//!
//! Every replica is a copy of the recorded targets under an identity of its own. A replica plays its recording on: it goes
//! to and fro over the recorded scrapes, turns and jumps at random, so that series of one target move together as they
//! did. Counters add the recorded increments, scaled by the replica's rate; gauges take the recorded values, scaled around
//! their mean, in multiples of the recorded unit; what never changed stays. One value in a hundred is NaN. Everything
//! follows from the seed, so that a reader can play a series again and check what was stored.
//!
//! It says nothing about late data, bursts or targets with histograms of the native kind.

mod otlp;
mod play;
mod shape;
mod wire;

pub use play::Player;
pub use shape::{Motion, Shape, Unit};
pub use wire::{Body, Identity, LabelTemplate, Protocol};

use std::collections::BTreeMap;

use self::play::Playing;
use crate::recording::Recorded;

/// Groups of targets of which one is replaced at a time: five percent each.
const CHURN_GROUPS: usize = 20;

/// How large a fleet is and how long it lives.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Active series.
    pub series: usize,
    /// Scrapes of each target.
    pub scrapes: u64,
    /// Time of the first scrape in milliseconds since 1970.
    pub start_ms: i64,
    /// Time between scrapes in milliseconds.
    pub interval_ms: i64,
    /// Scrapes after which a twentieth of the series is replaced by new ones.
    pub churn_scrapes: Option<u64>,
    /// What all random decisions follow from.
    pub seed: u64,
}

/// The recorded series of one target.
#[derive(Debug, Clone)]
struct Template {
    series: Vec<(LabelTemplate, Shape)>,
    scrapes: usize,
}

/// A copy of a target.
#[derive(Debug, Clone, Copy)]
struct Slot {
    template: usize,
    replica: u64,
    /// Series of the template that it has: all but in the last slot.
    series: usize,
    /// Which twentieth of the fleet it belongs to.
    group: usize,
}

/// Replicated targets.
#[derive(Debug, Clone)]
pub struct Fleet {
    templates: Vec<Template>,
    slots: Vec<Slot>,
    size: Size,
    /// NaN when a hash of 64 bits is below.
    nan_below: u64,
}

impl Fleet {
    /// A fleet of copies of what was recorded.
    pub fn new(recorded: &[Recorded], size: Size) -> Fleet {
        let mut targets: BTreeMap<(&str, &str), Vec<&Recorded>> = BTreeMap::new();
        for series in recorded {
            let target = (series.label("job"), series.label("instance"));
            targets.entry(target).or_default().push(series);
        }
        let templates: Vec<Template> = targets.values().map(|series| template(series)).collect();
        let (mut slots, mut left, mut replica) = (Vec::new(), size.series, 0);
        while left > 0 {
            for (i, template) in templates.iter().enumerate().filter(|(_, t)| !t.series.is_empty()) {
                let series = template.series.len().min(left);
                if series > 0 {
                    slots.push(Slot {
                        template: i,
                        replica,
                        series,
                        group: 0,
                    });
                }
                left -= series;
            }
            replica += 1;
        }
        spread(&mut slots);
        let nan_below = nan_threshold(&templates);
        Fleet {
            templates,
            slots,
            size,
            nan_below,
        }
    }

    /// How large it is.
    pub fn size(&self) -> &Size {
        &self.size
    }

    /// Samples of the whole life.
    pub fn samples(&self) -> u64 {
        self.size.series as u64 * self.size.scrapes
    }

    /// Time at or after the last scrape of every target.
    pub fn end_ms(&self) -> i64 {
        self.size.start_ms + self.size.scrapes as i64 * self.size.interval_ms
    }

    /// Generation of a slot at a scrape: how often it was replaced.
    fn generation(&self, slot: &Slot, scrape: u64) -> u64 {
        let Some(every) = self.size.churn_scrapes else {
            return 0;
        };
        // At the end of each period one group is replaced: group g at periods g + 1, g + 21, ...
        let periods = scrape / every;
        (periods + CHURN_GROUPS as u64 - 1 - slot.group as u64) / CHURN_GROUPS as u64
    }

    /// Plays a part of the fleet's slots: one of `parts`, by number.
    pub fn player(&self, part: usize, parts: usize) -> Player<'_> {
        let slots = (0..self.slots.len()).filter(|i| i % parts == part);
        Player::new(self, slots)
    }

    /// Every series that is active at the last scrape: number of its slot and number in the slot.
    pub fn last_series(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let of_slot = |(i, slot): (usize, &Slot)| (0..slot.series).map(move |series| (i, series));
        self.slots.iter().enumerate().flat_map(of_slot)
    }

    /// Labels and samples of a series active at the last scrape, as they were sent.
    pub fn replay(&self, slot: usize, series: usize) -> Replayed {
        let mut playing = Playing::new(self, slot, 0);
        let mut samples = Vec::new();
        for scrape in 0..self.size.scrapes {
            if playing.advance(self, scrape).is_some() {
                samples.clear();
            }
            playing.scrape(self, scrape, |at, _, _, time, value| {
                if at == series {
                    samples.push((time, value));
                }
            });
        }
        let template = &self.templates[self.slots[slot].template];
        Replayed {
            labels: template.series[series].0.labels(&playing.identity),
            samples,
        }
    }
}

/// A series as it was sent.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// Label names and values, sorted by name.
    pub labels: Vec<(String, String)>,
    /// Milliseconds since 1970 and values.
    pub samples: Vec<(i64, f64)>,
}

fn template(series: &[&Recorded]) -> Template {
    let mut times: Vec<i64> = Vec::new();
    for s in series {
        times.extend(s.samples.iter().map(|(time, _)| time));
    }
    times.sort_unstable();
    times.dedup();
    // Rules and targets that went away leave their markers at times of no scrape.
    times.dedup_by(|later, earlier| *later - *earlier < 1000);
    let series = series
        .iter()
        .map(|s| (LabelTemplate::new(s), Shape::of(s, &times)))
        .collect();
    Template {
        series,
        scrapes: times.len(),
    }
}

/// Deals the slots into groups of about equal size.
fn spread(slots: &mut [Slot]) {
    let mut sizes = [0usize; CHURN_GROUPS];
    for slot in slots {
        let smallest = (0..CHURN_GROUPS).min_by_key(|g| sizes[*g]).unwrap_or(0);
        slot.group = smallest;
        sizes[smallest] += slot.series;
    }
}

/// The chance of NaN that makes one value in a hundred NaN, given that some series always are and some never.
fn nan_threshold(templates: &[Template]) -> u64 {
    let shapes = || {
        templates
            .iter()
            .flat_map(|t| t.series.iter().map(|(_, shape)| shape))
    };
    let always = shapes().filter(|s| s.steps[0].is_nan()).count();
    let sometimes = shapes().filter(|s| s.can_be_nan).count().max(1);
    let wanted = (shapes().count() as f64 / 100.0 - always as f64).max(0.0);
    (wanted / sometimes as f64 * u64::MAX as f64) as u64
}

fn unit_interval(random: u64) -> f64 {
    (random >> 11) as f64 / (1u64 << 53) as f64
}

/// `SplitMix64`'s finaliser: spreads numbers evenly.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
