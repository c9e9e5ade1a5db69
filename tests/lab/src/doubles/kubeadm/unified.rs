//! A unified diff without context lines, as kubeadm's library writes it.

/// Empty where the texts are equal.
pub fn diff(old: &str, new: &str, path: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut out = String::new();
    for ((a0, a1), (b0, b1)) in changes(&a, &b) {
        if out.is_empty() {
            out = format!("--- {path}\n+++ new manifest\n");
        }
        out.push_str(&format!("@@ -{} +{} @@\n", range(a0, a1), range(b0, b1)));
        a[a0..a1].iter().for_each(|l| out.push_str(&format!("-{l}\n")));
        b[b0..b1].iter().for_each(|l| out.push_str(&format!("+{l}\n")));
    }
    out
}

fn range(from: usize, to: usize) -> String {
    match to - from {
        0 => format!("{from},0"),
        1 => format!("{}", from + 1),
        n => format!("{},{n}", from + 1),
    }
}

type Span = (usize, usize);

/// Runs of lines between the longest common subsequence.
fn changes(a: &[&str], b: &[&str]) -> Vec<(Span, Span)> {
    let lengths = table(a, b);
    let (mut i, mut j) = (0, 0);
    let mut all = vec![];
    while i < a.len() || j < b.len() {
        let (i0, j0) = (i, j);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                break;
            }
            if j == b.len() || (i < a.len() && lengths[i + 1][j] >= lengths[i][j + 1]) {
                i += 1;
            } else {
                j += 1;
            }
        }
        if (i0, j0) != (i, j) {
            all.push(((i0, i), (j0, j)));
        }
        while i < a.len() && j < b.len() && a[i] == b[j] {
            (i, j) = (i + 1, j + 1);
        }
    }
    all
}

fn table(a: &[&str], b: &[&str]) -> Vec<Vec<usize>> {
    let mut t = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            t[i][j] = if a[i] == b[j] { t[i + 1][j + 1] + 1 } else { t[i + 1][j].max(t[i][j + 1]) };
        }
    }
    t
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIR: &str = "/etc/kubernetes/manifests";
    const TRANSCRIPT: &str = include_str!("../../../../fixtures/transcripts/kubeadm-plan-diff.txt");

    #[test]
    fn hunks_are_those_of_the_recording() {
        let pairs = [
            (
                "kube-apiserver",
                include_str!("../../../../fixtures/manifests/v1.31.14/kube-apiserver.yaml"),
                include_str!(
                    "../../../../fixtures/manifests/kube-apiserver.v1.32.13.empty-etcd-servers.yaml"
                ),
            ),
            (
                "kube-controller-manager",
                include_str!("../../../../fixtures/manifests/v1.31.14/kube-controller-manager.yaml"),
                include_str!("../../../../fixtures/manifests/v1.32.13/kube-controller-manager.yaml"),
            ),
            (
                "kube-scheduler",
                include_str!("../../../../fixtures/manifests/v1.31.14/kube-scheduler.yaml"),
                include_str!("../../../../fixtures/manifests/v1.32.13/kube-scheduler.yaml"),
            ),
        ];
        for (name, old, new) in pairs {
            let got = diff(old, new, &format!("{DIR}/{name}.yaml"));
            assert!(TRANSCRIPT.contains(&got), "{got}");
        }
        assert_eq!(diff("a\n", "a\n", "x"), "");
    }
}
