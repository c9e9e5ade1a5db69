//! Who may read: a pure decision over the head of a request.
//!
//! The listener is on the loopback, but every program and every web page on this machine can reach that. A page of another site cannot
//! send the cookie (`SameSite=Strict`), and a name that was rebound to 127.0.0.1 has another `Host`.

use super::token::Token;
use hyper::header::{COOKIE, HOST};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, StatusCode};

/// The secrets of one dashboard.
pub(super) struct Gate {
    port: u16,
    /// In the address that is printed; a browser shows it once.
    token: Token,
    /// In the cookie, so that the address bar needs no token any more.
    session: Token,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// With the value of `Set-Cookie` where the token was in the address.
    Serve(Option<String>),
    Refuse(StatusCode, &'static str),
}

impl Gate {
    pub fn new(port: u16) -> Self {
        Self { port, token: Token::new(), session: Token::new() }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token.as_str())
    }

    pub fn admit(&self, head: &Parts) -> Admission {
        if head.method != Method::GET {
            return Admission::Refuse(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        if !self.is_own_host(&head.headers) {
            return Admission::Refuse(
                StatusCode::MISDIRECTED_REQUEST,
                "open the address that podlift dashboard prints\n",
            );
        }
        if given(head.uri.query().unwrap_or_default()).is_some_and(|token| self.token.is(token)) {
            return Admission::Serve(Some(self.cookie()));
        }
        match cookies(&head.headers, &self.name()).any(|value| self.session.is(value)) {
            true => Admission::Serve(None),
            false => Admission::Refuse(
                StatusCode::FORBIDDEN,
                "the token is missing or belongs to another podlift dashboard: open the address that podlift dashboard prints\n",
            ),
        }
    }

    /// One `Host`, and one of the two names of the loopback with the own port.
    fn is_own_host(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let own = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        host.to_str().is_ok_and(|host| own.iter().any(|own| own.eq_ignore_ascii_case(host)))
    }

    /// Cookies do not know ports, so that two dashboards have cookies of two names.
    fn name(&self) -> String {
        format!("podlift-{}", self.port)
    }

    fn cookie(&self) -> String {
        format!("{}={}; Path=/; HttpOnly; SameSite=Strict", self.name(), self.session.as_str())
    }
}

/// The token of a query `token=VALUE&…`. Tokens need no percent-decoding.
fn given(query: &str) -> Option<&str> {
    query.split('&').find_map(|part| part.strip_prefix("token="))
}

fn cookies<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn head(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn each_request_needs_the_own_host_and_the_token_or_the_cookie() {
        let gate = Gate::new(8123);
        let (token, session) = (gate.token.as_str().to_string(), gate.session.as_str().to_string());
        let host = ("host", "127.0.0.1:8123");
        let with = |token: &str| format!("/?token={token}");
        let cookie = |name: &str, value: &str| format!("theme=dark; {name}={value}");
        let (right, other_port) = (cookie("podlift-8123", &session), cookie("podlift-8124", &session));
        let (wrong, as_cookie) = (cookie("podlift-8123", &"0".repeat(64)), cookie("podlift-8123", &token));
        let first = Admission::Serve(Some(gate.cookie()));
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Result<bool, u16>);
        let cases: &[Case] = &[
            ("GET", &with(&token), &[host], Ok(true)),
            ("GET", &format!("/?a=b&token={token}"), &[host], Ok(true)),
            ("GET", &with(&token), &[("host", "LOCALHOST:8123")], Ok(true)),
            ("GET", "/events", &[host, ("cookie", &right)], Ok(false)),
            ("GET", "/", &[host], Err(403)),
            ("GET", &with(&token[1..]), &[host], Err(403)),
            ("GET", &with(&session), &[host], Err(403)),
            ("GET", "/", &[host, ("cookie", &wrong)], Err(403)),
            ("GET", "/", &[host, ("cookie", &as_cookie)], Err(403)),
            ("GET", "/", &[host, ("cookie", &other_port)], Err(403)),
            // A name of somebody else that was rebound to the loopback, a missing one, another port, and two of them.
            ("GET", &with(&token), &[("host", "evil.example:8123")], Err(421)),
            ("GET", &with(&token), &[("host", "127.0.0.1.evil.example:8123")], Err(421)),
            ("GET", &with(&token), &[("host", "127.0.0.1")], Err(421)),
            ("GET", &with(&token), &[], Err(421)),
            ("GET", &with(&token), &[host, ("host", "evil.example")], Err(421)),
            ("POST", &with(&token), &[host, ("cookie", &right)], Err(405)),
            ("HEAD", &with(&token), &[host], Err(405)),
            ("OPTIONS", "/", &[host, ("origin", "http://evil.example")], Err(405)),
        ];
        for (method, uri, headers, want) in cases {
            match (gate.admit(&head(method, uri, headers)), want) {
                (seen, Ok(true)) => assert_eq!(seen, first, "{method} {uri} {headers:?}"),
                (seen, Ok(false)) => assert_eq!(seen, Admission::Serve(None), "{method} {uri} {headers:?}"),
                (Admission::Refuse(status, why), Err(code)) => {
                    assert_eq!(status.as_u16(), *code, "{method} {uri} {headers:?}");
                    assert!(!why.contains(&token) && !why.contains(&session));
                }
                (seen, Err(_)) => panic!("{method} {uri} {headers:?}: {seen:?}"),
            }
        }
    }

    #[test]
    fn the_cookie_is_of_this_site_only_and_no_script_reads_it() {
        let gate = Gate::new(8123);
        let cookie = gate.cookie();
        assert!(cookie.starts_with("podlift-8123="), "{cookie}");
        for part in ["; HttpOnly", "; SameSite=Strict", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        assert!(!cookie.contains(gate.token.as_str()), "the token of the address is not in the cookie");
        assert!(gate.url().starts_with("http://127.0.0.1:8123/?token="), "{}", gate.url());
    }
}
