//! dpkg-query -W -f=FORMAT NAME…

use super::ctx::Ctx;
use crate::world::state::Package;

pub fn run(ctx: &Ctx, args: &[String]) -> i32 {
    let mut format = "${Package}\t${Version}\n".to_string();
    let mut names = vec![];
    let mut place = ctx.node.clone();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "-W" | "--show" => {}
            "-f" | "--showformat" => format = rest.next().cloned().unwrap_or_default(),
            a if a.starts_with("-f=") => format = a[3..].into(),
            a if a.starts_with("--showformat=") => format = a["--showformat=".len()..].into(),
            a if a.starts_with("-f") => format = a[2..].into(),
            a if a.starts_with("--admindir=") => match of_image(ctx, &a["--admindir=".len()..]) {
                Some(path) => place = path,
                None => {
                    ctx.err(&format!("dpkg-query: error: cannot open {}", &a["--admindir=".len()..]));
                    return 2;
                }
            },
            a if a.starts_with('-') => {
                ctx.err(&format!("dpkg-query: error: unknown option {a}"));
                return 2;
            }
            name => names.push(name.to_string()),
        }
    }
    let (packages, arch) = {
        let s = ctx.world.lock();
        let arch = s.bcm.image_at(&place).map_or("amd64", |(_, i)| &i.arch);
        (s.node(&place).packages.clone(), arch.to_string())
    };
    if names.is_empty() {
        names = packages.keys().cloned().collect();
    }
    let mut code = 0;
    for name in names {
        let own = (name == "dpkg").then(own);
        match packages.get(&name).or(own.as_ref()) {
            Some(p) => ctx.print(&fill(&format, &name, p, &arch), false),
            None => {
                ctx.err(&format!("dpkg-query: no packages found matching {name}"));
                code = 1;
            }
        }
    }
    code
}

/// The image whose record of packages this is.
fn of_image(ctx: &Ctx, dir: &str) -> Option<String> {
    let dir = super::dpkg::within(ctx.disk().as_ref(), dir);
    let path = dir.trim_end_matches('/').strip_suffix("/var/lib/dpkg")?;
    ctx.world.lock().place(path).is_some().then(|| path.to_string())
}

/// dpkg's own entry, which every system has.
fn own() -> Package {
    Package { version: "1.21.1ubuntu2.3".into(), held: false, half: false }
}

fn fill(format: &str, name: &str, p: &Package, arch: &str) -> String {
    let want = if p.held { "hold" } else { "install" };
    let state = if p.half { "unpacked" } else { "installed" };
    let letters = format!("{}{} ", if p.held { 'h' } else { 'i' }, if p.half { 'U' } else { 'i' });
    let values = [
        ("${binary:Package}", name.to_string()),
        ("${Package}", name.to_string()),
        ("${Version}", p.version.clone()),
        ("${Architecture}", arch.into()),
        ("${Status}", format!("{want} ok {state}")),
        ("${db:Status-Want}", want.into()),
        ("${db:Status-Eflag}", "ok".into()),
        ("${db:Status-Status}", state.into()),
        ("${db:Status-Abbrev}", letters),
        ("\\n", "\n".into()),
        ("\\t", "\t".into()),
    ];
    values.iter().fold(format.to_string(), |text, (from, to)| text.replace(from, to))
}
