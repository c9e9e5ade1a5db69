//! Diffs as kubeadm prints them and as people shorten them; every diff of two files applies to the first.

use super::*;
use proptest::prelude::*;

const FILE: &str = "a\nb\nc\nd\ne\nf\n";

fn applied(diff: &str) -> Result<String, Misfit> {
    let all = sections(&format!("--- /x\n+++ new manifest\n{diff}"));
    let [section] = all.as_slice() else { panic!("{all:?}") };
    section.apply(FILE)
}

#[test]
fn hunks_of_each_form() {
    let cases = [
        ("", "a\nb\nc\nd\ne\nf\n", "no hunk"),
        ("@@ -2,2 +2 @@\n-b\n-c\n+B\n", "a\nB\nd\ne\nf\n", "no context"),
        ("@@ -3,0 +4,2 @@\n+x\n+y\n", "a\nb\nc\nx\ny\nd\ne\nf\n", "lines that stand alone"),
        ("@@ -0,0 +1 @@\n+x\n", "x\na\nb\nc\nd\ne\nf\n", "in front of all"),
        ("@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n", "a\nB\nc\nd\ne\nf\n", "context"),
        ("@@ -2 +1,0 @@\n-b\n@@ -5 +4 @@\n-e\n+E\n", "a\nc\nd\nE\nf\n", "two hunks"),
        ("@@ -3 +3 @@\n-b\n+B\n", "a\nB\nc\nd\ne\nf\n", "a line further up"),
        ("@@ -1,8 +1,8 @@\n-b\n+B\n d\n", "a\nB\nc\nd\ne\nf\n", "context that is left out"),
        ("@@ -1,6 +1,3 @@\n a\n-b\n e\n", "a\ne\nf\n", "removed lines that are left out"),
        ("@@ -6,2 +6 @@\n-f\n-\n+f\n\\ No newline at end of file\n", "a\nb\nc\nd\ne\nf", "the end"),
        ("@@ -1 +1 @@\n-a\n+A\n\n\n[upgrade] done\n", "A\nb\nc\nd\ne\nf\n", "text behind it"),
    ];
    for (diff, want, what) in cases {
        assert_eq!(applied(diff).as_deref(), Ok(want), "{what}");
    }
}

#[test]
fn what_does_not_fit_is_said() {
    for (diff, number) in [
        ("@@ -1 +1 @@\n-x\n+y\n", 1),
        ("@@ -1,2 +1,2 @@\n a\n-c\n+C\n", 1),
        ("@@ -2 +2 @@\n-b\n+B\n@@ -1 +1 @@\n-a\n+A\n", 2),
        ("@@ -90,0 +91 @@\n+x\n", 1),
        ("@@ -1 +1,9 @@\n-a\n+A\n", 1),
        ("@@ -1,6 +1,2 @@\n a\n-b\n e\n", 1),
    ] {
        assert_eq!(applied(diff).unwrap_err().number, number, "{diff}");
    }
    let message = applied("@@ -7 +7 @@\n-x\n+y\n").unwrap_err().to_string();
    assert_eq!(message, "hunk 1 (line 7) does not fit the file: its lines are not there");
}

#[test]
fn sections_of_several_files_between_other_text() {
    let text = "[upgrade/diff] Reading\n--- /m/a.yaml\n+++ new manifest\n@@ -1 +1 @@\n-a\n+--- b\n--- /m/b.yaml\t2026\n+++ new manifest\n@@ -1 +1 @@\n-- x\n+y\n";
    let all = sections(text);
    assert_eq!(all.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(), ["/m/a.yaml", "/m/b.yaml"]);
    assert_eq!(all[0].apply("a").as_deref(), Ok("--- b"));
    assert_eq!(all[1].apply("- x").as_deref(), Ok("y"));
    assert_eq!(sections("nothing of that kind\n--- alone\n"), []);
}

/// One line of an edit: it stays, is removed, or is added.
type Edit = (u8, String);

/// Both files, and their diff with this number of context lines.
fn made(edits: &[Edit], context: usize) -> (String, String, String) {
    let text =
        |not: u8| edits.iter().filter(|e| e.0 != not).map(|e| e.1.as_str()).collect::<Vec<_>>().join("\n");
    let near = |at: usize| {
        let around = at.saturating_sub(context)..(at + context + 1).min(edits.len());
        edits[around].iter().any(|e| e.0 != 0)
    };
    let mut diff = "--- /m/x.yaml\n+++ new manifest\n".to_string();
    let (mut at, mut old, mut new) = (0, 0, 0);
    while at < edits.len() {
        if !near(at) {
            (old, new, at) = (old + 1, new + 1, at + 1);
            continue;
        }
        let end = (at..edits.len()).find(|i| !near(*i)).unwrap_or(edits.len());
        let hunk = &edits[at..end];
        let (olds, news) =
            (hunk.iter().filter(|e| e.0 != 2).count(), hunk.iter().filter(|e| e.0 != 1).count());
        let range = |start: usize, count: usize| match count {
            0 => format!("{start},0"),
            1 => format!("{}", start + 1),
            _ => format!("{},{count}", start + 1),
        };
        diff.push_str(&format!("@@ -{} +{} @@\n", range(old, olds), range(new, news)));
        for (kind, text) in hunk {
            diff.push_str(&format!("{}{text}\n", [' ', '-', '+'][usize::from(*kind)]));
        }
        (old, new, at) = (old + olds, new + news, end);
    }
    (text(2), text(1), diff)
}

proptest! {
    #[test]
    fn a_diff_gives_the_second_file_of_the_first(
        edits in prop::collection::vec((0..3u8, "[ab-]{0,2}"), 1..24),
        context in 0..4usize,
    ) {
        let (a, b, diff) = made(&edits, context);
        let all = sections(&diff);
        prop_assert_eq!(all.len(), 1);
        if edits.iter().any(|e| e.0 != 2) {
            prop_assert_eq!(all[0].apply(&a), Ok(b), "{}", diff);
        }
    }

    #[test]
    fn nothing_makes_it_panic(text in "(--- /x\n\\+\\+\\+ y\n)?(@@ -[0-9]{0,3},[0-9]{0,20} \\+[0-9]{0,3} @@\n|[ +@-]?[ab]?\n|\\PC{0,8}\n){0,16}", file in "([ab]?\n){0,8}") {
        for section in sections(&text) {
            let _ = section.apply(&file);
        }
    }
}
