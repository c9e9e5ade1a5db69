//! Whatever operators and nodes do in whatever order, a run has a way on.

use super::*;

#[derive(Debug, Clone, Copy)]
enum Move {
    Complete,
    Fail,
    Pause(bool),
    Resume,
    Retry(bool),
    Lose,
    Set,
}

fn moves() -> impl Strategy<Value = Vec<(Move, prop::sample::Index)>> {
    let one = prop_oneof![
        40 => Just(Move::Complete),
        6 => Just(Move::Fail),
        2 => any::<bool>().prop_map(Move::Pause),
        3 => Just(Move::Resume),
        4 => any::<bool>().prop_map(Move::Retry),
        1 => Just(Move::Lose),
        1 => Just(Move::Set),
    ];
    prop::collection::vec((one, any::<prop::sample::Index>()), 150..400)
}

fn make(tape: &mut Tape, what: Move, pick: prop::sample::Index) {
    let todo = tape.todo();
    let step = (!todo.is_empty()).then(|| todo[pick.index(todo.len())].clone());
    let failed: Vec<StepId> = tape.state().failed_steps().map(|(spec, _)| spec.id.clone()).collect();
    let _refused = match (what, step) {
        (Move::Complete, Some(step)) => return tape.complete(&step),
        (Move::Fail, Some(step)) => tape.add(Event::StepFailed { step, reason: failure() }),
        (Move::Pause(now), _) => pause(tape, now),
        (Move::Resume, _) if failed.is_empty() => tape.add(Event::RunResumed { by: "me".into() }),
        (Move::Retry(true), _) if !failed.is_empty() => retry(tape, Some(&failed[pick.index(failed.len())])),
        (Move::Retry(_), _) => retry(tape, None),
        (Move::Lose, _) => tape.add(Event::NodeLost { node: name("dgx033"), by: "me".into() }),
        (Move::Set, _) => tape.add(Event::OptionSet {
            name: MAX_UNAVAILABLE.into(),
            value: (pick.index(4) + 1).to_string(),
            by: "me".into(),
        }),
        _ => Ok(()),
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]
    /// Whatever fails and whatever an operator does: the run never waits without a command that goes on, it begins nothing after a failure
    /// or a pause, and a retry of everything brings it to its end.
    #[test]
    fn every_run_has_a_way_on(moves in moves()) {
        let mut tape = Tape::of(&two_at_a_time(Some("3")));
        for (what, pick) in moves {
            let begun = |tape: &Tape| -> Vec<StepId> {
                let steps = tape.state().plan.steps().filter(|spec| {
                    let step = &tape.state().steps[&spec.id];
                    step.attempts > 0 || step.retried
                });
                steps.map(|spec| spec.id.clone()).collect()
            };
            let (held, before) = (!tape.todo().is_empty() && matches!(tape.state().status, RunStatus::Paused { .. }), begun(&tape));
            make(&mut tape, what, pick);
            if held && matches!(what, Move::Complete) {
                let plan = tape.state().plan.clone();
                for new in begun(&tape).iter().filter(|id| !before.contains(id)) {
                    let spec = plan.step(new).unwrap();
                    let same = |other: &StepId| plan.step(other).is_some_and(|x| x.phase == spec.phase && x.node == spec.node);
                    let again = plan.phases.iter().position(|p| p.name == spec.phase) < plan.phases.iter().position(|p| {
                        p.lanes.iter().flat_map(|l| &l.steps).any(|s| before.contains(&s.id) && !tape.state().steps[&s.id].is_over())
                    });
                    prop_assert!(before.iter().any(same) || again, "{new} began in a pause");
                }
            }
            settle(&mut tape);
            if next(tape.state()) == Next::Succeed { break; }
            undo(&mut tape);
            let resting = next(tape.state()) == Next::Rest;
            prop_assert!(!resting || matches!(tape.state().status, RunStatus::Paused { .. }), "it rests and is not paused");
        }
        for _ in 0..50 {
            drive_to_rest(&mut tape);
            settle(&mut tape);
            if next(tape.state()) == Next::Succeed { break; }
            if tape.todo().is_empty() { retry(&mut tape, None).unwrap(); }
        }
        prop_assert_eq!(next(tape.state()), Next::Succeed);
        prop_assert_eq!(cordoned(&tape).iter().filter(|n| !tape.state().goes_without(n)).count(), 0);
    }
}
