//! The page in a real browser: axe's rules of accessibility, and no error on the console. Chromium and axe are put there by ./test.
#![expect(clippy::disallowed_methods, reason = "a test that runs a browser on a file")]

use super::{full, large, page};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The file of axe-core, from `tests/tools/axe`.
fn axe() -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tools/axe");
    let out = Command::new(&tool).stderr(Stdio::inherit()).output().expect("tests/tools/axe runs");
    assert!(out.status.success(), "tests/tools/axe: {}", out.status);
    PathBuf::from(String::from_utf8(out.stdout).unwrap().trim())
}

/// The document after its scripts have run, and the lines of the console.
fn shown(file: &Path, dark: bool) -> (String, Vec<String>) {
    let profile = tempfile::tempdir().unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--enable-logging=stderr",
    ]);
    chromium.arg(format!("--user-data-dir={}", profile.path().display())).arg("--virtual-time-budget=20000");
    if dark {
        chromium.arg("--blink-settings=preferredColorScheme=0");
    }
    let out = chromium.arg("--dump-dom").arg(format!("file://{}", file.display())).output();
    let out = out.expect("chromium is installed: apt-get install chromium");
    let console = String::from_utf8_lossy(&out.stderr);
    let lines = console.lines().filter(|l| l.contains(":CONSOLE")).map(String::from).collect();
    (String::from_utf8_lossy(&out.stdout).into_owned(), lines)
}

/// Appends axe and a script that writes its findings into the title.
fn with_axe(html: &str, axe: &str) -> String {
    let run = "axe.run(document,{resultTypes:['violations']}).then(r=>{document.title='AXE '+r.passes.length+' '+JSON.stringify(r.violations.map(v=>[v.id,v.nodes.map(n=>n.html.slice(0,120))]))})";
    html.replace("</body>", &format!("<script>{axe}</script><script>{run}</script></body>"))
}

fn title(dom: &str) -> &str {
    let from = dom.find("<title>").expect("a title") + "<title>".len();
    &dom[from..from + dom[from..].find("</title>").unwrap()]
}

#[tokio::test(start_paused = true)]
async fn a_browser_finds_nothing_wrong_with_the_page() {
    let axe = std::fs::read_to_string(axe()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let seen = |html: &str, dark| {
        let file = folder.path().join("report.html");
        std::fs::write(&file, html).unwrap();
        shown(&file, dark)
    };
    let (small, big) = (page(&full().await), page(&large().await));
    assert_eq!(seen(&small, false).1, Vec::<String>::new(), "the console is empty");
    for (html, dark) in [(&small, false), (&small, true), (&big, false)] {
        let (dom, _) = seen(&with_axe(html, &axe), dark);
        let found = title(&dom);
        let (rules, violations) = found.strip_prefix("AXE ").expect(found).split_once(' ').unwrap();
        assert!(rules.parse::<u32>().unwrap() > 15, "axe has tried {rules} rules");
        assert_eq!(violations, "[]", "dark: {dark}");
    }
    // The test itself can fail.
    let (dom, console) = seen(
        &with_axe(
            &small.replace("lang=\"en\"", "").replace("</main>", "</main><script>nope()</script>"),
            &axe,
        ),
        false,
    );
    assert!(title(&dom).contains("html-has-lang"), "{}", title(&dom));
    assert!(console.iter().any(|l| l.contains("nope")), "{console:?}");
}
