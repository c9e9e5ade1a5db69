//! The next batch.

use crate::board::{Board, Moment, Next};
use crate::field::Past;
use crate::held::Held;
use crate::pick::Pick;
use crate::units::{Loss, Unit};
use crate::{Batch, Decision, Scene, canary, texts};

/// What happens next. The same scene gives the same answer, in any order of its workers and jobs.
pub fn decide(scene: &Scene) -> Decision {
    let mut board = Board::of(scene);
    let moment = Moment { seconds: 0, batches: scene.batches_done };
    match board.next(moment) {
        Next::Take(picks) => Decision::Take(batch(&board, &picks, moment)),
        Next::Closed => Decision::Wait { why: texts::all_closed(&board), until: board.opens() },
        // Nodes that wait for a window may find room where these do not.
        Next::Full => Decision::Wait { why: texts::full(&board, moment), until: board.opens() },
        Next::Canaries(groups) => {
            let until = [canary::until(&board, &groups), board.opens()].into_iter().flatten().min();
            Decision::Wait { why: texts::canaries(&board, &groups), until }
        }
        Next::Held => stuck(&board, moment),
        Next::Nothing => Decision::Nothing,
    }
}

/// Each unit to come is held, and no lane is at work.
fn stuck(board: &Board, moment: Moment) -> Decision {
    let held: Vec<(&Unit, Held)> =
        board.units.iter().filter_map(|unit| Some((unit, board.held(unit, moment)?))).collect();
    let left: Vec<(&Unit, Held)> = held.iter().filter(|(_, held)| held.leaves()).cloned().collect();
    if !left.is_empty() {
        let mut nodes: Vec<usize> = left.iter().flat_map(|(unit, _)| unit.nodes.clone()).collect();
        nodes.sort_unstable();
        let nodes = board.field.names(&nodes).into_iter().cloned().collect();
        return Decision::Leave { nodes, why: texts::all_held(board, &left) };
    }
    let asked: Vec<&Unit> = held.iter().filter(|(_, h)| *h == Held::Ask).map(|(unit, _)| *unit).collect();
    if let Some(first) = asked.first() {
        let id = |at: &usize| board.field.tasks[*at].job.id.clone();
        let open = |id: &String| !board.scene.agreed.contains(id);
        let jobs = asked.iter().flat_map(|unit| &unit.large).map(id).filter(open).collect();
        return Decision::Ask { why: texts::held(board, first, &Held::Ask), jobs };
    }
    let until = held.iter().filter_map(|(_, held)| held.until()).min();
    Decision::Wait { why: texts::all_held(board, &held), until }
}

/// The batch of these nodes, with its reasons.
pub(crate) fn batch(board: &Board, picks: &[Pick], moment: Moment) -> Batch {
    let mut batch = Batch::default();
    let mut loss = 0;
    for pick in picks {
        let unit = &board.units[pick.unit];
        let tasks = tasks(board, unit, &pick.nodes);
        loss += Loss::of(&board.field, &pick.nodes, &tasks, board.scene.now).after(moment.seconds) / 1000;
        for task in tasks.iter().map(|at| &board.field.tasks[*at]) {
            let list = if task.elastic.is_some() { &mut batch.shrinks } else { &mut batch.interrupts };
            list.push(task.job.id.clone());
        }
        for at in &pick.nodes {
            let name = board.field.nodes[*at].name.clone();
            batch.reasons.insert(name.clone(), texts::node(board, *at, moment));
            batch.nodes.push(name);
        }
    }
    batch.nodes.sort();
    for list in [&mut batch.interrupts, &mut batch.shrinks] {
        list.sort();
        list.dedup();
    }
    batch.gpu_seconds = u64::try_from(loss).unwrap_or(u64::MAX);
    batch.why = texts::batch(board, picks, moment);
    batch
}

/// The tasks of the unit that lose work if these nodes are taken.
fn tasks(board: &Board, unit: &Unit, nodes: &[usize]) -> Vec<usize> {
    let loses = |at: &&usize| {
        let task = &board.field.tasks[**at];
        task.past != Past::Remnant && task.nodes.iter().any(|node| nodes.contains(node))
    };
    unit.tasks.iter().filter(loses).copied().collect()
}
