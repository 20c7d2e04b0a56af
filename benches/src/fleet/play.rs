//! Plays recorded targets on: which recorded scrapes follow each other, and what that makes of counters and gauges.

use super::{Fleet, Identity, LabelTemplate, Motion, Shape, Unit, mix, unit_interval};

/// The quiet NaN that Prometheus stores for an ordinary one.
const NAN_BITS: u64 = 0x7ff8_0000_0000_0001;
/// Replicas of one generation at most; a series' identity is its replica plus as many for each generation before.
const REPLICAS_MAX: u64 = 4096;
/// Where a slot is in its play.
#[derive(Debug, Clone)]
pub(super) struct Playing {
    slot: usize,
    generation: u64,
    pub(super) identity: Identity,
    seed: u64,
    /// Scale of increments.
    rate: f64,
    /// Scale of gauges around their mean.
    swing: f64,
    /// Milliseconds of the target's scrapes behind the interval's start.
    offset_ms: i64,
    position: usize,
    forward: bool,
    /// Units counted so far, by series.
    counted: Vec<f64>,
}

impl Playing {
    pub(super) fn new(fleet: &Fleet, slot: usize, generation: u64) -> Playing {
        let at = &fleet.slots[slot];
        let template = &fleet.templates[at.template];
        let seed = mix(fleet.size.seed ^ mix(slot as u64) ^ generation.rotate_left(40));
        let part = |n: u64| unit_interval(mix(seed ^ n));
        let (rate, swing) = (4f64.powf(part(1) * 2.0 - 1.0), 0.5 + part(2));
        // What is born within the run counts from the start, what was there before has counted for a while.
        let age = if generation == 0 { 20f64.powf(part(3)) } else { 0.0 };
        let counted = template.series[..at.series].iter();
        let counted = counted.map(|(_, shape)| (shape.steps[0] * age).floor()).collect();
        Playing {
            slot,
            generation,
            identity: Identity::new(at.replica + generation * REPLICAS_MAX),
            seed,
            rate,
            swing,
            offset_ms: (part(4) * fleet.size.interval_ms as f64 * 0.9) as i64,
            position: (part(5) * template.scrapes as f64) as usize,
            forward: true,
            counted,
        }
    }

    /// Replaces the slot when its time has come; returns what it was before.
    pub(super) fn advance(&mut self, fleet: &Fleet, scrape: u64) -> Option<Playing> {
        let generation = fleet.generation(&fleet.slots[self.slot], scrape);
        if generation == self.generation {
            return None;
        }
        let next = Playing::new(fleet, self.slot, generation);
        Some(std::mem::replace(self, next))
    }

    /// Plays one scrape: calls `visit` with the number of each series, its labels, its time and its value.
    pub(super) fn scrape(
        &mut self,
        fleet: &Fleet,
        scrape: u64,
        mut visit: impl FnMut(usize, &LabelTemplate, &Identity, i64, f64),
    ) {
        let template = &fleet.templates[fleet.slots[self.slot].template];
        let random = mix(self.seed ^ mix(scrape));
        let step = self.step(template.scrapes, random);
        let jitter = 0.75 + 0.5 * unit_interval(mix(random ^ 1));
        // Prometheus starts a scrape on time but for a few milliseconds now and then.
        let late = if random.is_multiple_of(50) {
            3 + (random >> 32) as i64 % 6
        } else {
            0
        };
        let time = fleet.size.start_ms + scrape as i64 * fleet.size.interval_ms + self.offset_ms + late;
        for (i, ((labels, shape), counted)) in template.series.iter().zip(&mut self.counted).enumerate() {
            let value = match shape.motion {
                Motion::Constant => shape.value(shape.steps[0]),
                Motion::Clockwork => count(shape, counted, step, 1.0),
                Motion::Counter => count(shape, counted, step, self.rate * jitter),
                Motion::Gauge => wander(shape, self.position, self.swing * jitter),
            };
            let nan = shape.can_be_nan && mix(random ^ mix(i as u64 + 2)) < fleet.nan_below;
            let value = if nan { f64::from_bits(NAN_BITS) } else { value };
            visit(i, labels, &self.identity, time, value);
        }
    }

    /// Moves one scrape on and returns the recorded scrapes whose difference counts.
    fn step(&mut self, scrapes: usize, random: u64) -> (usize, usize) {
        let last = scrapes - 1;
        if last == 0 {
            return (0, 0);
        }
        if random.is_multiple_of(61) {
            self.position = (random >> 8) as usize % last;
        }
        if random.is_multiple_of(11) {
            self.forward = !self.forward;
        }
        if self.position == 0 || self.position == last {
            self.forward = self.position == 0;
        }
        let from = self.position;
        self.position = if self.forward { from + 1 } else { from - 1 };
        (from.min(self.position), from.max(self.position))
    }
}

fn count(shape: &Shape, counted: &mut f64, (from, to): (usize, usize), scale: f64) -> f64 {
    let increment = shape.steps[to] - shape.steps[from];
    if increment < 0.0 {
        // A restart: counting begins again with what was counted since.
        *counted = (shape.steps[to] * scale).floor().max(0.0);
    } else if let Unit::Sum { power } = shape.unit {
        *counted += (increment * scale * power).round() / power;
    } else {
        *counted += increment * scale;
    }
    shape.value(*counted)
}

fn wander(shape: &Shape, position: usize, scale: f64) -> f64 {
    let units = shape.mean + (shape.steps[position] - shape.mean) * scale;
    let units = units.max(shape.low);
    match shape.unit {
        Unit::Decimal { .. } => shape.value(units.round()),
        // A decimal plus another one: what noise a sum of two leaves.
        Unit::Sum { power } => (units * power / 3.0).round() / power + (units * power / 1.5).round() / power,
        Unit::Full => units,
    }
}

/// Plays slots of a fleet scrape by scrape.
#[derive(Debug)]
pub struct Player<'f> {
    fleet: &'f Fleet,
    playing: Vec<Playing>,
    scrape: u64,
}

impl<'f> Player<'f> {
    pub(super) fn new(fleet: &'f Fleet, slots: impl Iterator<Item = usize>) -> Player<'f> {
        Player {
            fleet,
            playing: slots.map(|slot| Playing::new(fleet, slot, 0)).collect(),
            scrape: 0,
        }
    }

    /// Plays the next scrape of all slots: calls `visit` with labels, time and value of every sample. False at the end.
    /// Series that go away get a stale marker first.
    pub fn scrape(&mut self, mut visit: impl FnMut(&LabelTemplate, &Identity, i64, f64)) -> bool {
        let (fleet, scrape) = (self.fleet, self.scrape);
        if scrape >= fleet.size.scrapes {
            return false;
        }
        for playing in &mut self.playing {
            if let Some(mut before) = playing.advance(fleet, scrape) {
                let stale = f64::from_bits(kymo_engine::metrics::STALE_NAN_BITS);
                before.scrape(fleet, scrape, |_, labels, identity, time, _| {
                    visit(labels, identity, time, stale);
                });
            }
            playing.scrape(fleet, scrape, |_, labels, identity, time, value| {
                visit(labels, identity, time, value);
            });
        }
        self.scrape += 1;
        true
    }
}
