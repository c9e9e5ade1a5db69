//! One HTTP request over TLS to the page that an address serves for a name: its status and its title. The certificate is not judged here, and
//! no redirect is followed.

use super::certificates::connected;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use podlift_engine::survey::PageView;
use podlift_model::survey::Seen;

/// Most bytes that are read of a page.
const LIMIT: usize = 64 << 10;
/// Longest title that is kept.
const TITLE: usize = 200;

pub(super) async fn read(address: &str, name: &str) -> Seen<PageView> {
    let stream = connected(address, name).await?;
    let text = |e: hyper::Error| e.to_string();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    let request = http::Request::get("/")
        .header("host", name)
        .header("user-agent", "podlift")
        .header("accept", "text/html")
        .header("connection", "close")
        .body(Empty::<Bytes>::new())
        .map_err(|e| e.to_string())?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(text)?;
        let status = response.status().as_u16();
        // A page that is longer than the limit has its title at the beginning.
        let mut body = Limited::new(response.into_body(), LIMIT);
        let mut head = Vec::new();
        while let Some(Ok(frame)) = body.frame().await {
            if let Some(data) = frame.data_ref() {
                head.extend_from_slice(data);
            }
        }
        Ok(PageView { status, title: title(&String::from_utf8_lossy(&head)) })
    };
    tokio::select! {
        answer = answer => answer,
        Err(error) = connection => Err(error.to_string()),
    }
}

/// The text of the first `<title>`, on one line; empty without one.
fn title(html: &str) -> String {
    let lower = html.to_ascii_lowercase();
    let begin = lower.find("<title").and_then(|at| Some(at + lower[at..].find('>')? + 1));
    let inner = begin.and_then(|at| Some(&html[at..at + lower[at..].find("</title")?]));
    let words: Vec<&str> = inner.unwrap_or_default().split_whitespace().collect();
    let plain = words.join(" ").replace("&amp;", "&").replace("&#39;", "'").replace("&quot;", "\"");
    plain.chars().filter(|c| !c.is_control()).take(TITLE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_text() {
        for (html, want) in [
            ("<html><head><TITLE>\n  Run:ai \n</TITLE></head>", "Run:ai"),
            ("<title data-x=\"1\">A &amp; B</title>", "A & B"),
            ("<title>never closed", ""),
            ("<h1>404</h1>", ""),
            ("", ""),
        ] {
            assert_eq!(title(html), want, "{html}");
        }
        assert_eq!(title(&format!("<title>{}</title>", "x".repeat(900))).len(), TITLE);
        assert_eq!(title("<title>Über İ uns</title>"), "Über İ uns");
    }
}
