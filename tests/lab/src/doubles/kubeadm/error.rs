//! How kubeadm ends when it fails: a text on stderr and, from 1.32, practically always 1.

use crate::doubles::ctx::Ctx;

#[derive(Debug)]
pub struct Failed {
    pub text: String,
    pub code: i32,
}

pub type Ended<T = ()> = Result<T, Failed>;

impl Failed {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 1 }
    }

    /// As the phase runner wraps it.
    pub fn in_phase(self, phase: &str) -> Self {
        Self { text: format!("error execution phase {phase}: {}", self.text), ..self }
    }

    /// A block of preflight errors.
    pub fn preflight(name: &str, text: &str) -> Self {
        Self::preflights(&[(name, text.to_string())])
    }

    pub fn preflights(all: &[(&str, String)]) -> Self {
        let lines: String = all.iter().map(|(name, text)| format!("\t[ERROR {name}]: {text}\n")).collect();
        Self::new(format!(
            "[preflight] Some fatal errors occurred:\n{lines}[preflight] If you know what you are doing, you can make a check non-fatal with `--ignore-preflight-errors=...`"
        ))
    }

    pub fn print(&self, ctx: &Ctx) {
        ctx.err(&self.text);
        ctx.err("To see the stack trace of this error execute with --v=5 or higher");
    }
}
