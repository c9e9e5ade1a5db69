//! Secrets of one dashboard, and their comparison.

/// 256 random-looking bits as hexadecimal digits; 244 of them are from the system's generator.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    pub fn new() -> Self {
        Self([uuid::Uuid::new_v4(), uuid::Uuid::new_v4()].map(|half| half.simple().to_string()).concat())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes the same time for every wrong value of the right length, so that the time does not tell how much of it was right.
    pub fn is(&self, given: &str) -> bool {
        let (own, given) = (self.0.as_bytes(), given.as_bytes());
        let differ = |acc: u8, (a, b): (&u8, &u8)| std::hint::black_box(acc | (a ^ b));
        own.len() == given.len() && own.iter().zip(given).fold(0, differ) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_token_is_the_token() {
        let token = Token::new();
        let own = token.as_str().to_string();
        assert!(own.len() == 64 && own.bytes().all(|b| b.is_ascii_hexdigit()), "{own}");
        assert!(token.is(&own));
        for at in 0..own.len() {
            let mut wrong = own.clone().into_bytes();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            assert!(!token.is(std::str::from_utf8(&wrong).unwrap()), "digit {at}");
            assert!(!token.is(&own[..at]), "its first {at} digits");
        }
        assert!(!token.is(&format!("{own}0")));
        assert!(!Token::new().is(&own), "two dashboards have two tokens");
    }
}
