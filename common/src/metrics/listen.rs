//! The address at which metrics are served, if any. Only this module reads its form in the configuration.

use serde::{Deserialize, Deserializer, de::Error as _};
use std::net::SocketAddr;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listen {
    Off,
    On(SocketAddr),
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "metrics.listen = {0:?} is not valid: expected an address with a port, for example \"127.0.0.1:7444\", or \"off\""
)]
pub struct InvalidListen(String);

impl Listen {
    /// An address that only this machine can reach.
    pub const fn loopback(port: u16) -> Self {
        Self::On(SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), port))
    }

    /// Whether other machines can reach the address.
    pub fn is_public(&self) -> bool {
        matches!(self, Self::On(address) if !address.ip().is_loopback())
    }
}

impl std::str::FromStr for Listen {
    type Err = InvalidListen;
    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        match text {
            "off" => Ok(Self::Off),
            text => text.parse().map(Self::On).map_err(|_| InvalidListen(text.into())),
        }
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_off() {
        assert_eq!("off".parse(), Ok(Listen::Off));
        assert_eq!("127.0.0.1:7444".parse(), Ok(Listen::loopback(7444)));
        for (text, public) in
            [("127.0.0.1:1", false), ("[::1]:1", false), ("0.0.0.0:1", true), ("10.0.0.1:1", true)]
        {
            assert_eq!(text.parse::<Listen>().unwrap().is_public(), public, "{text}");
        }
        for text in ["7444", "localhost:7444", "", "on", "127.0.0.1"] {
            let e = text.parse::<Listen>().unwrap_err().to_string();
            assert!(e.starts_with(&format!("metrics.listen = {text:?} is not valid: expected")), "{e}");
        }
    }
}
