//! A unified diff without context, for people and records. Pure. It is computed after the repair, so that it does not delay it.

/// Maximum number of line pairs to compare: manifests have some hundred lines.
const LARGEST: usize = 4_000_000;

/// Lines of `before` and `after` that differ, with their numbers.
pub fn unified(before: &[u8], after: &[u8]) -> String {
    let (a, b) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    if a.len().saturating_mul(b.len()) > LARGEST {
        return format!(
            "{} bytes in {} lines were replaced by {} bytes\n",
            before.len(),
            a.len(),
            after.len()
        );
    }
    let common = common_lines(&a, &b);
    let (mut out, mut i, mut j) = (String::new(), 0, 0);
    for (next_a, next_b) in common.into_iter().chain([(a.len(), b.len())]) {
        if next_a > i || next_b > j {
            out += &format!("@@ -{},{} +{},{} @@\n", i + 1, next_a - i, j + 1, next_b - j);
            out.extend(a[i..next_a].iter().map(|l| format!("-{l}\n")));
            out.extend(b[j..next_b].iter().map(|l| format!("+{l}\n")));
        }
        (i, j) = (next_a + 1, next_b + 1);
    }
    out
}

/// Index pairs of a longest common subsequence. Manifests have some hundred lines, so the quadratic cost is small.
fn common_lines(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let mut longest = vec![vec![0_u32; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            let same = a[i] == b[j];
            longest[i][j] =
                if same { longest[i + 1][j + 1] + 1 } else { longest[i + 1][j].max(longest[i][j + 1]) };
        }
    }
    let (mut pairs, mut i, mut j) = (Vec::new(), 0, 0);
    while i < a.len() && j < b.len() {
        if a[i] == b[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if longest[i + 1][j] >= longest[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_only() {
        assert_eq!(unified(b"a\nb\nc\nd\n", b"a\nB\nc\n"), "@@ -2,1 +2,1 @@\n-b\n+B\n@@ -4,1 +4,0 @@\n-d\n");
        assert_eq!(unified(b"", b"x\n"), "@@ -1,0 +1,1 @@\n+x\n");
        assert_eq!(unified(b"a\n", b"a\n"), "");
        let large = "x\n".repeat(3000);
        let said = "6000 bytes in 3000 lines were replaced by 6000 bytes\n";
        assert_eq!(unified(large.as_bytes(), large.as_bytes()), said);
    }
}
