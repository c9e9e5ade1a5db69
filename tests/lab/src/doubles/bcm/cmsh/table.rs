//! Lists of cmsh: a header, a ruler, padded columns. A value that is longer than its column is cut, the header too. `-f name:0,…` chooses
//! columns and widths (0: as wide as needed), `-d X` separates them.

/// What `list` was asked for.
#[derive(Debug, Default)]
pub struct Form {
    columns: Vec<(String, usize)>,
    delimiter: Option<String>,
}

/// A column: its name in `-f`, its header, its usual width (0: as wide as needed).
pub type Column = (&'static str, &'static str, usize);

impl Form {
    /// None: a word that `list` does not know.
    pub fn of(words: &[&str]) -> Option<Self> {
        let mut form = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            match *word {
                "-f" | "--format" => form.columns = rest.next()?.split(',').map(column).collect(),
                "-d" | "--delimiter" => form.delimiter = Some(rest.next()?.trim_matches('"').to_string()),
                // Types and states of devices: the caller filters.
                "-t" | "-s" => drop(rest.next()?),
                _ => return None,
            }
        }
        Some(form)
    }

    /// Err: the name of a column that there is none of.
    pub fn table(&self, all: &[Column], rows: &[Vec<String>]) -> Result<String, String> {
        let usual: Vec<(String, usize)> = all.iter().map(|c| (c.0.to_string(), c.2)).collect();
        let chosen = if self.columns.is_empty() { &usual } else { &self.columns };
        let place = |name: &String| {
            let found = all.iter().position(|c| c.0 == name.to_lowercase());
            found.ok_or_else(|| format!("Unknown format field: {name}"))
        };
        let places = chosen.iter().map(|(name, _)| place(name)).collect::<Result<Vec<usize>, String>>()?;
        let header: Vec<String> = places.iter().map(|i| all[*i].1.to_string()).collect();
        let cells: Vec<Vec<String>> =
            rows.iter().map(|row| places.iter().map(|i| row[*i].clone()).collect()).collect();
        if let Some(d) = &self.delimiter {
            let lines = std::iter::once(&header).chain(&cells).map(|row| row.join(d));
            return Ok(lines.collect::<Vec<_>>().join("\n"));
        }
        let widths: Vec<usize> = chosen
            .iter()
            .enumerate()
            .map(|(i, (_, w))| if *w > 0 { *w } else { widest(i, &header, &cells) })
            .collect();
        let ruler: Vec<String> = widths.iter().map(|w| "-".repeat(*w)).collect();
        let lines = [line(&header, &widths), ruler.join(" ")];
        let rows = cells.iter().map(|row| line(row, &widths));
        Ok(lines.into_iter().chain(rows).collect::<Vec<_>>().join("\n"))
    }
}

/// `hostname:14` or `hostname`.
fn column(text: &str) -> (String, usize) {
    let (name, width) = text.split_once(':').unwrap_or((text, "0"));
    (name.into(), width.parse().unwrap_or(0))
}

fn widest(i: usize, header: &[String], rows: &[Vec<String>]) -> usize {
    let cells = rows.iter().map(|row| row[i].chars().count());
    cells.chain([header[i].chars().count()]).max().unwrap_or(0)
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let cell = |(text, width): (&String, &usize)| {
        let cut: String = text.chars().take(*width).collect();
        format!("{cut:<width$}")
    };
    cells.iter().zip(widths).map(cell).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_cut_at_the_width_and_not_at_none() {
        let all: [Column; 2] = [("hostname", "Hostname (key)", 8), ("ip", "Ip", 0)];
        let rows = [vec!["dgx-long-name".to_string(), "10.0.0.1".into()]];
        let told = |words: &[&str]| Form::of(words).unwrap().table(&all, &rows);
        assert_eq!(told(&[]).unwrap(), "Hostname Ip      \n-------- --------\ndgx-long 10.0.0.1");
        assert!(told(&["-f", "hostname:0"]).unwrap().ends_with("\ndgx-long-name "));
        assert_eq!(
            told(&["-f", "ip:0,hostname:0", "-d", "|"]).unwrap(),
            "Ip|Hostname (key)\n10.0.0.1|dgx-long-name"
        );
        assert_eq!(told(&["-f", "weather:0"]), Err("Unknown format field: weather".into()));
        assert!(Form::of(&["--nonsense"]).is_none());
    }
}
