//! `cmsh [-n -q --hide-events --color no] -c SCRIPT`: commands separated by `;`. A mode's name before a command runs it there; `use` stays.
//! What is set is the session's own until `commit`. Without -q the rest runs after an error, too.

mod category;
mod device;
mod image;
mod kubernetes;
mod main_mode;
mod overlay;
mod session;
mod status;
mod table;
mod task;
mod update;

use crate::doubles::ctx::Ctx;
use crate::world::bcm::Lie;
use session::{Mode, Problem, Session};

pub async fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let Some(script) = args.iter().position(|a| a == "-c").and_then(|i| args.get(i + 1)) else {
        ctx.err("cmsh: the lab knows only -c");
        return 2;
    };
    let has = |names: &[&str]| args.iter().any(|a| names.contains(&a.as_str()));
    let colored = ctx.world.lock().bcm.switches.colors;
    let colors = colored && !args.windows(2).any(|w| w[0] == "--color" && w[1] == "no");
    let mut session = Session::new(ctx, colors, !has(&["--hide-events", "--disable-events"]));
    ctx.seconds(0.5).await;
    let mut code = 0;
    for command in split(script) {
        session.events();
        if let Err(Problem(text)) = session.lied(&command).await {
            ctx.err(&text);
            code = 1;
            if has(&["-q", "--quit"]) {
                return code;
            }
        } else {
            // Whether an earlier error counts after a later success is not known: here it does not.
            code = 0;
        }
    }
    code
}

/// At `;` outside of quotes and brackets.
fn split(script: &str) -> Vec<String> {
    let (mut all, mut one, mut depth, mut quoted) = (vec![], String::new(), 0, false);
    for c in script.chars() {
        match c {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ';' if !quoted && depth == 0 => {
                all.push(std::mem::take(&mut one));
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    all.push(one);
    all.into_iter().map(|c| c.trim().to_string()).filter(|c| !c.is_empty()).collect()
}

impl Session<'_> {
    /// A command, or what cmsh does in its place.
    async fn lied(&mut self, command: &str) -> Result<(), Problem> {
        let named = format!("{} {command}", self.mode.name());
        let lie = self.ctx.world.update(|s| s.bcm.switches.lies.take(&named));
        match lie {
            None => self.command(command).await,
            Some(Lie::Nothing) => Ok(()),
            Some(Lie::Says(text)) => {
                self.ctx.out(&text);
                Ok(())
            }
            Some(Lie::Refuses(text)) => Err(Problem(text)),
            Some(Lie::Silent) => std::future::pending().await,
            Some(Lie::DoneAndRefuses(text)) => {
                self.command(command).await?;
                Err(Problem(text))
            }
        }
    }

    async fn command(&mut self, command: &str) -> Result<(), Problem> {
        let words: Vec<&str> = command.split_whitespace().collect();
        let Some(first) = words.first() else { return Ok(()) };
        let Some(mode) = Mode::named(first) else { return self.in_mode(&words).await };
        let before = (self.mode, self.object.clone(), self.path.clone());
        self.enter(mode);
        let Some(second) = words.get(1) else { return Ok(()) };
        let ended = self.in_mode(&words[1..]).await;
        if *second != "use" {
            // A prefix is for one command; the names below the Kubernetes mode stay, as in the shell.
            if !matches!(mode, Mode::Kubernetes) {
                (self.mode, self.object, self.path) = before;
            }
        }
        ended
    }

    async fn in_mode(&mut self, words: &[&str]) -> Result<(), Problem> {
        match (self.mode, words) {
            (_, ["commit", ..]) => self.commit(words).await,
            (_, ["foreach", rest @ ..]) => self.foreach(rest).await,
            (Mode::Device, _) => self.device(words).await,
            (Mode::Category, _) => self.category(words),
            (Mode::Image, _) => self.image(words).await,
            (Mode::Task, _) => self.task(words),
            (Mode::Kubernetes, _) => self.kubernetes(words),
            (Mode::Overlay, _) => self.overlay(words),
            (Mode::Main, _) => self.main(words),
            (Mode::Top, _) => Err(self.unknown(words)),
        }
    }

    /// `foreach * (COMMANDS)` or `foreach -n a,b (COMMANDS)`, in each object of the mode.
    async fn foreach(&mut self, words: &[&str]) -> Result<(), Problem> {
        let text = words.join(" ");
        let inner = text.split_once('(').and_then(|(head, rest)| Some((head, rest.rsplit_once(')')?.0)));
        let Some((head, body)) = inner else { return Err(self.unknown(words)) };
        let head: Vec<&str> = head.split_whitespace().collect();
        let names: Vec<String> = match head.as_slice() {
            ["*"] => self.names(),
            ["-n", list] => list.split(',').map(String::from).collect(),
            _ => return Err(self.unknown(words)),
        };
        for name in names {
            self.object = Some(name);
            for command in split(body) {
                let words: Vec<&str> = command.split_whitespace().collect();
                Box::pin(self.in_mode(&words)).await?;
            }
        }
        self.object = None;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_end_at_semicolons_outside_of_quotes_and_brackets() {
        let all = super::split("device; foreach * (get a; get b); set revision \"x; y\"; commit ");
        assert_eq!(all, ["device", "foreach * (get a; get b)", "set revision \"x; y\"", "commit"]);
    }
}
