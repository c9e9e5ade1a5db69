//! A label selector with equalities: `k=v,k2=v2`.

use std::collections::BTreeMap;

#[derive(Debug)]
pub(crate) struct Selector<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Selector<'a> {
    /// `None` if the text is no selector. An empty text is none, because it would match every node unintentionally.
    pub fn read(text: &'a str) -> Option<Self> {
        let word = |part: &str| !part.contains(|c: char| c.is_whitespace() || matches!(c, '=' | '!' | ','));
        let pair = |part: &'a str| {
            let (key, value) = part.trim().split_once('=')?;
            (!key.is_empty() && word(key) && word(value)).then_some((key, value))
        };
        text.split(',').map(pair).collect::<Option<_>>().map(Self)
    }

    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|(key, value)| labels.get(*key).is_some_and(|have| have == value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_matches_if_every_label_is_equal() {
        let labels: BTreeMap<String, String> =
            [("pool", "dgx"), ("rack", "r1"), ("empty", "")].map(|(k, v)| (k.into(), v.into())).into();
        let cases = [
            ("pool=dgx", Some(true)),
            ("pool=dgx, rack=r1", Some(true)),
            ("empty=", Some(true)),
            ("pool=dgx,rack=r2", Some(false)),
            ("other=", Some(false)),
            ("", None),
            ("pool", None),
            ("=dgx", None),
            ("pool!=dgx", None),
            ("pool==dgx", None),
            ("pool=dgx,", None),
            ("pool in (dgx)", None),
        ];
        for (text, want) in cases {
            assert_eq!(Selector::read(text).map(|s| s.matches(&labels)), want, "{text:?}");
        }
    }
}
