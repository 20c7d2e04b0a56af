//! How well a name fits a search term, from 0 to 1: as a subsequence, or by Jaro and Winkler. Not for reading parameters.

/// A way to compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// All characters of the term in their order; runs of them count more.
    Subsequence,
    /// The term inside the name, or names that are spelled alike.
    JaroWinkler,
}

/// What is searched for.
pub(super) struct Terms {
    terms: Vec<Vec<char>>,
    algorithm: Algorithm,
    threshold: f64,
    case_sensitive: bool,
}

impl Terms {
    /// Terms of which one must fit by at least `threshold`, 0 to 1.
    pub(super) fn new(texts: &[&str], algorithm: Algorithm, threshold: f64, case_sensitive: bool) -> Terms {
        Terms {
            terms: texts.iter().map(|text| folded(text, case_sensitive)).collect(),
            algorithm,
            threshold,
            case_sensitive,
        }
    }

    /// How well a name fits the term that it fits best, `None` when it fits none. Without terms everything fits.
    pub(super) fn score(&self, name: &str) -> Option<f64> {
        if self.terms.is_empty() {
            return Some(1.0);
        }
        let name = folded(name, self.case_sensitive);
        let scores = self.terms.iter().filter_map(|term| self.one(term, &name));
        scores.reduce(f64::max)
    }

    fn one(&self, term: &[char], name: &[char]) -> Option<f64> {
        match self.algorithm {
            Algorithm::Subsequence => subsequence(term, name).filter(|score| *score >= self.threshold),
            Algorithm::JaroWinkler if contains(name, term) => Some(1.0),
            // Without a threshold everything would be spelled alike enough.
            Algorithm::JaroWinkler if self.threshold == 0.0 => None,
            Algorithm::JaroWinkler => Some(jaro_winkler(term, name)).filter(|score| *score >= self.threshold),
        }
    }
}

fn folded(text: &str, case_sensitive: bool) -> Vec<char> {
    match case_sensitive {
        true => text.chars().collect(),
        false => text.chars().flat_map(char::to_lowercase).collect(),
    }
}

fn contains(name: &[char], term: &[char]) -> bool {
    term.is_empty() || name.windows(term.len()).any(|part| part == term)
}

/// The share of the term that lies in runs, each run by the square of its length, less a little for each character of the
/// name that is left over. `None` when the characters are not there in their order.
fn subsequence(term: &[char], name: &[char]) -> Option<f64> {
    if term == name || term.is_empty() {
        return Some(1.0);
    }
    let (mut runs, mut run, mut at) = (0_usize, 0_usize, 0_usize);
    let mut rest = term.iter().peekable();
    for c in name {
        if rest.next_if(|wanted| *wanted == c).is_some() {
            run += 1;
        } else {
            runs += run * run;
            run = 0;
        }
        at += 1;
        if rest.peek().is_none() {
            break;
        }
    }
    if rest.peek().is_some() {
        return None;
    }
    runs += run * run;
    let share = runs as f64 / (term.len() * term.len()) as f64;
    let left_over = name.len() - term.len();
    let skipped = at - term.len();
    let penalty = (left_over + skipped) as f64 / (4 * (name.len() + term.len())) as f64;
    Some((share * (1.0 - penalty)).clamp(0.0, 1.0))
}

/// Jaro's similarity, with Winkler's bonus for up to four equal characters at the start.
fn jaro_winkler(a: &[char], b: &[char]) -> f64 {
    let jaro = jaro(a, b);
    let prefix = a.iter().zip(b).take(4).take_while(|(a, b)| a == b).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

fn jaro(a: &[char], b: &[char]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return f64::from(u8::from(a.is_empty() && b.is_empty()));
    }
    let reach = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut common: Vec<char> = Vec::new();
    for (i, c) in a.iter().enumerate() {
        let from = i.saturating_sub(reach);
        let to = b.len().min(i + reach + 1);
        if let Some(j) = (from..to).find(|j| !taken[*j] && b[*j] == *c) {
            taken[j] = true;
            common.push(*c);
        }
    }
    if common.is_empty() {
        return 0.0;
    }
    let there = b.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(c, _)| c);
    let swapped = common.iter().zip(there).filter(|(a, b)| a != b).count() as f64 / 2.0;
    let matched = common.len() as f64;
    (matched / a.len() as f64 + matched / b.len() as f64 + (matched - swapped) / matched) / 3.0
}

#[cfg(test)]
mod tests {
    //! Scores of known pairs, and their bounds.

    use proptest::prelude::*;

    use super::*;

    fn score(algorithm: Algorithm, threshold: f64, term: &str, name: &str) -> Option<f64> {
        Terms::new(&[term], algorithm, threshold, true).score(name)
    }

    #[test]
    fn names_are_found_and_the_better_ones_score_higher() {
        let sub = |term, name| score(Algorithm::Subsequence, 0.0, term, name);
        assert_eq!(sub("http", "http"), Some(1.0));
        assert_eq!(sub("http", "grpc"), None);
        assert!(sub("http", "http_requests") > sub("http", "h_t_t_p_requests"));
        assert!(sub("hreq", "http_requests").is_some());
        assert_eq!(score(Algorithm::Subsequence, 0.9, "hreq", "http_requests"), None);
        let jaro = score(Algorithm::JaroWinkler, 0.5, "martha", "marhta").unwrap();
        assert!((jaro - 0.961_111).abs() < 1e-5, "{jaro}");
        assert_eq!(score(Algorithm::JaroWinkler, 0.0, "martha", "marhta"), None);
        assert_eq!(
            score(Algorithm::JaroWinkler, 0.0, "req", "http_requests"),
            Some(1.0)
        );
        let terms = Terms::new(&["UP"], Algorithm::Subsequence, 0.0, false);
        assert_eq!(terms.score("up"), Some(1.0));
    }

    proptest! {
        #[test]
        fn scores_lie_between_0_and_1(a in ".{0,12}", b in ".{0,12}") {
            let (a, b) = (folded(&a, true), folded(&b, true));
            prop_assert!((0.0..=1.0 + 1e-9).contains(&jaro_winkler(&a, &b)));
            prop_assert!(subsequence(&a, &b).is_none_or(|s| (0.0..=1.0).contains(&s)));
        }
    }
}
