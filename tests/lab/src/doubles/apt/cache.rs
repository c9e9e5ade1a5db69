//! `apt-cache madison` and `policy`.

use super::lists;
use super::options::Options;
use crate::doubles::ctx::Ctx;

pub fn cache(ctx: &Ctx, args: &[String]) -> i32 {
    let options = Options::of(args);
    if !matches!(options.verb(), "madison" | "policy") {
        ctx.err(&format!("E: Invalid operation {}", options.verb()));
        return 100;
    }
    let offers = lists::offers(ctx, &options);
    for package in options.words.iter().skip(1) {
        let mut mine: Vec<_> = offers.iter().filter(|o| o.package == *package).collect();
        mine.sort_by_key(|o| std::cmp::Reverse(lists::rank(&o.version)));
        if mine.is_empty() {
            ctx.err(&format!("N: Unable to locate package {package}"));
        }
        for o in &mine {
            let place = format!("https://pkgs.k8s.io/core:/stable:/v1.{}/deb  Packages", o.minor);
            ctx.out(&format!("{:>10} | {:>10} | {place}", o.package, o.version));
        }
    }
    0
}
