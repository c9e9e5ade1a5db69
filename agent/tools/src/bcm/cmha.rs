//! `cmha status`: the part of this head node in BCM's high availability. No exit code of cmha is documented, so only its text counts.

use super::{lines, short};
use podlift_host::{Host, Invocation};
use podlift_model::bcm::HeadMode;
use podlift_model::{Failure, codes};
use std::collections::BTreeSet;
use std::time::Duration;

/// It takes half a minute when the other head node has just died.
const LIMIT: Duration = Duration::from_secs(90);

/// The mode, and the lines that gave it.
pub async fn look(host: &Host) -> Result<(HeadMode, String), Failure> {
    let call = Invocation::new("cmha", ["status"]).timeout(LIMIT);
    let output = super::ran(host, call).await?;
    Ok(parse(&format!("{}\n{}", output.stdout, output.stderr)))
}

/// Fails unless this head node is the active one, or the only one.
pub async fn acts(host: &Host) -> Result<(), Failure> {
    let (mode, text) = look(host).await?;
    let message = match mode {
        HeadMode::Active | HeadMode::Alone => return Ok(()),
        HeadMode::Passive => format!(
            "this head node is passive, and only the active one changes BCM's state ({text}); start the coordinator on the active head node with its own agent as [bcm] head, or make this one active: cmha makeactive"
        ),
        HeadMode::Unknown => format!(
            "`cmha status` does not say that this head node is the active one: {text}; look at both head nodes, then podlift retry"
        ),
    };
    Err(Failure::operator(codes::BCM_PASSIVE_HEAD, message))
}

/// Words of an answer without high availability.
const ALONE: [&str; 5] =
    ["no failover", "not configured", "failover is not", "no secondary", "no passive head"];

fn parse(text: &str) -> (HeadMode, String) {
    let own = lines::of(text).map(str::trim).find(|l| l.to_lowercase().starts_with("node status"));
    let own_words = own.unwrap_or_default().to_lowercase();
    let failed = lines::of(text).map(str::trim).filter(|l| l.to_uppercase().contains("FAILED"));
    let told: Vec<&str> = own.into_iter().chain(failed).collect();
    let told = if told.is_empty() { short(text) } else { told.join("; ") };
    let stars = stars(text);
    let lower = text.to_lowercase();
    let alone = !text.contains("->") && ALONE.iter().any(|words| lower.contains(words));
    match () {
        () if stars.len() > 1 => {
            let names: Vec<&str> = stars.into_iter().collect();
            (HeadMode::Unknown, format!("{} both call themselves active", names.join(" and ")))
        }
        () if own_words.contains("passive") => (HeadMode::Passive, told),
        () if own_words.contains("active") && stars.len() == 1 => (HeadMode::Active, told),
        () if alone || (own_words.contains("active") && !text.contains("->")) => (HeadMode::Alone, told),
        () => (HeadMode::Unknown, told),
    }
}

/// Head nodes that the lines `A* -> B` mark as active.
fn stars(text: &str) -> BTreeSet<&str> {
    let pairs = text.lines().filter_map(|line| line.split_once("->"));
    let names = pairs.flat_map(|(a, b)| [a.trim(), b.trim()]);
    names.filter_map(|name| name.strip_suffix('*')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use podlift_host::testing::{Fakes, exited, said};

    const STATUS: &str = "Node Status: running in active master mode\n\nFailover status:\nmycluster1* -> mycluster2\n  failoverping  [  OK  ]\n  mysql         [ OK ]\nmycluster2 -> mycluster1*\n  ping          [  OK  ]\n";

    #[test]
    fn which_head_this_is() {
        for (text, want) in [
            (STATUS.to_string(), HeadMode::Active),
            (STATUS.replace("active master", "passive"), HeadMode::Passive),
            (STATUS.replace("-> mycluster2\n", "-> mycluster2*\n"), HeadMode::Unknown),
            (STATUS.replace('*', ""), HeadMode::Unknown),
            (STATUS.replace("running in active master mode", "starting"), HeadMode::Unknown),
            ("Node Status: running in active master mode\n".into(), HeadMode::Alone),
            ("No failover is configured\n".into(), HeadMode::Alone),
            (String::new(), HeadMode::Unknown),
            ("Error: CMDaemon is not running\n".into(), HeadMode::Unknown),
        ] {
            assert_eq!(parse(&text).0, want, "{text}");
        }
        let failed = STATUS.replace("mysql         [ OK ]", "mysql [FAILED] (11)");
        let (mode, told) = parse(&failed);
        assert_eq!((mode, told.contains("mysql [FAILED] (11)")), (HeadMode::Active, true));
    }

    #[tokio::test]
    async fn only_an_active_head_acts() {
        let fakes = Fakes::new(|_| exited(0, STATUS));
        assert_eq!(acts(&fakes.host).await, Ok(()));
        let passive = STATUS.replace("active master", "passive");
        let fakes = Fakes::new(move |_| said(&passive));
        let refused = acts(&fakes.host).await.unwrap_err();
        assert_eq!(refused.code, "bcm-passive-head");
        assert!(refused.message.contains("cmha makeactive"), "{}", refused.message);
        let both = STATUS.replace("-> mycluster2\n", "-> mycluster2*\n");
        let fakes = Fakes::new(move |_| said(&both));
        let refused = acts(&fakes.host).await.unwrap_err();
        assert!(
            refused.message.contains("mycluster1 and mycluster2 both call themselves active"),
            "{}",
            refused.message
        );
        assert_eq!(fakes.commands.calls(), ["cmha status"]);
    }
}
