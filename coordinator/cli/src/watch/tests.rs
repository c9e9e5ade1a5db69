//! The screen as goldens of several sizes, and the effects of keys. No test needs a terminal.

use super::draw::draw;
use super::keys::{Action, press};
use super::model::{Line, Model, Overlay, Panel, Tone, Verb};
use super::screen::fits;
use crate::error::Exit;
use podlift_client::live::Link;
use podlift_engine::machine::{Event, Record};
use podlift_engine::view::{NodeRow, Status};
use podlift_model::heal::HealEvent;
use podlift_model::{Digest, StepId};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::render::tests::{aged, paused_records};

/// The paused run of the goldens, forty seconds after it paused; a heal happened, and a step waits.
async fn model(colour: bool) -> Model {
    let (status, mut records) = paused_records().await;
    let last = records.last().unwrap().clone();
    let after = |n: u64, event: Event| Record { seq: last.seq + n, event, ..last.clone() };
    let heal = HealEvent {
        id: "h1".into(),
        node: podlift_coordinator::testing::name("runai-02"),
        file: "kube-apiserver.yaml".into(),
        rules: vec!["etcd-servers-empty".into()],
        at: last.at,
        latency_us: 912,
        before: Digest::of("a"),
        after: Digest::of("b"),
        diff: String::new(),
    };
    let waits = StepId::new("backup/runai-02/manifest-backup").unwrap();
    records.push(after(1, Event::Healed { heal }));
    records.push(after(
        2,
        Event::StepWaiting { step: waits, reason: "the agent is busy with another op".into() },
    ));
    let mut model = Model::new(colour, last.at + jiff::SignedDuration::from_secs(40));
    model.live.take_status(aged(status));
    for record in &records {
        model.take_record(record);
    }
    model
}

fn drawn(model: &Model, columns: u16, rows: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, model)).unwrap();
    terminal.backend().buffer().clone()
}

fn text(buffer: &Buffer) -> String {
    let rows = buffer.content().chunks(buffer.area.width.into());
    rows.map(|row| row.iter().map(|c| c.symbol()).collect::<String>().trim_end().to_string())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every stretch that is styled: row, columns, style.
fn styles(buffer: &Buffer) -> String {
    let mut out = String::new();
    for (y, row) in buffer.content().chunks(buffer.area.width.into()).enumerate() {
        let mut from = 0;
        for part in row.chunk_by(|a, b| a.style() == b.style()) {
            let style = part[0].style();
            let bold = style.add_modifier.contains(ratatui::style::Modifier::BOLD);
            let colour = style.fg.filter(|c| *c != ratatui::style::Color::Reset);
            if bold || colour.is_some() {
                let colour = colour.map_or(String::new(), |c| format!(" {c}"));
                let bold = if bold { " bold" } else { "" };
                out += &format!("{y}: {from}..{}{colour}{bold}\n", from + part.len());
            }
            from += part.len();
        }
    }
    out
}

#[tokio::test(start_paused = true)]
async fn the_screens() {
    let model = model(false).await;
    for (columns, rows) in [(80, 24), (100, 30), (200, 50), (60, 16)] {
        insta::assert_snapshot!(format!("{columns}x{rows}"), text(&drawn(&model, columns, rows)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_on_its_way_shows_its_batch_what_it_waits_for_and_its_end() {
    let mut model = model(true).await;
    // Without records the run is shown as the status has it.
    model.live.run = None;
    model.live.status = Some(crate::render::course_tests::on_its_way().await);
    for (columns, rows) in [(80, 24), (120, 30)] {
        insta::assert_snapshot!(format!("on_its_way_{columns}x{rows}"), text(&drawn(&model, columns, rows)));
    }
    let small = text(&drawn(&model, 60, 16));
    assert!(small.contains("no other node begins") && small.contains("ends about"), "{small}");
    assert!(!small.contains("batch 3"), "the batch gives way on a small screen: {small}");
    let waits =
        styles(&drawn(&model, 80, 24)).lines().any(|line| line.starts_with("4: ") && line.contains("Yellow"));
    assert!(waits, "{}", styles(&drawn(&model, 80, 24)));
}

#[tokio::test(start_paused = true)]
async fn a_long_reason_takes_as_many_lines_as_the_screen_can_spare() {
    let mut model = model(false).await;
    let words: Vec<String> = (0..60).map(|i| format!("namespace/pod-{i:02}")).collect();
    let state = model.live.run.as_mut().unwrap();
    let podlift_engine::RunStatus::Paused { reason } = &mut state.status else {
        panic!("{:?}", state.status)
    };
    reason.message = words.join(" ");
    for (columns, rows, lines) in [(80, 24, 2), (60, 16, 1), (200, 50, 5)] {
        let screen = text(&drawn(&model, columns, rows));
        let reason_lines: Vec<&str> = screen
            .lines()
            .skip_while(|l| !l.starts_with("paused:"))
            .take_while(|l| !l.starts_with("next:"))
            .collect();
        assert_eq!(reason_lines.len(), lines, "{columns}x{rows}\n{screen}");
        assert!(reason_lines.last().unwrap().ends_with('…'), "{reason_lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn colour_adds_to_the_screen_and_takes_nothing() {
    let (plain, coloured) = (model(false).await, model(true).await);
    let (plain, coloured) = (drawn(&plain, 80, 24), drawn(&coloured, 80, 24));
    assert_eq!(text(&plain), text(&coloured));
    assert!(!styles(&plain).contains("Red"), "{}", styles(&plain));
    insta::assert_snapshot!("80x24_styles", styles(&coloured));
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_is_too_small_says_so() {
    let model = model(false).await;
    assert_eq!(text(&drawn(&model, 40, 24)).trim_end(), "40x24: podlift watch needs 60x16");
    assert!(text(&drawn(&model, 20, 3)).starts_with("20x3: podlift watch\nneeds 60x16"));
    for size in [(1, 1), (3, 200), (59, 16), (60, 15)] {
        drawn(&model, size.0, size.1);
    }
    let refused = fits((20, 24)).unwrap_err();
    assert_eq!((refused.exit, refused.next.as_str()), (Exit::Usage, "podlift status"));
    assert_eq!(refused.what, "this terminal is 20 columns wide; podlift watch needs 60");
    assert_eq!(fits((80, 5)).unwrap_err().what, "this terminal is 5 rows high; podlift watch needs 16");
    assert_eq!(fits((60, 16)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn many_nodes_are_a_symbol_each() {
    let mut model = model(false).await;
    let status = model.live.status.as_mut().unwrap();
    let worker = status.nodes[0].clone();
    let node = |i: u32| NodeRow {
        name: podlift_coordinator::testing::name(&format!("dgx{i}")),
        state: ["pending", "working", "upgraded", "upgraded"][i as usize % 4].into(),
        ..worker.clone()
    };
    status.nodes.extend((1000..3000).map(node));
    insta::assert_snapshot!("many_80x24", text(&drawn(&model, 80, 24)));
    insta::assert_snapshot!("many_200x50", text(&drawn(&model, 200, 50)));
}

#[tokio::test(start_paused = true)]
async fn without_a_run_without_a_coordinator_and_read_only() {
    let mut model = model(false).await;
    let status: &mut Status = model.live.status.as_mut().unwrap();
    (status.run, status.read_only) = (None, Some("another coordinator holds epoch 7".into()));
    (model.live.run, model.log, model.heals) = (None, Default::default(), Default::default());
    insta::assert_snapshot!("no_run", text(&drawn(&model, 80, 24)));
    model.live.disconnected("connection refused".into(), model.now);
    model.now += jiff::SignedDuration::from_secs(12);
    let away = text(&drawn(&model, 80, 24));
    assert!(away.contains("NO COORDINATOR for 12 s, trying again: connection refused"), "{away}");
    let seen = model.live.status.clone().unwrap();
    model.live.take_status(seen);
    assert_eq!(model.live.link, Link::Up);
}

fn key(code: KeyCode) -> KeyEvent {
    KeyEvent::new(code, KeyModifiers::NONE)
}

fn typed(model: &mut Model, text: &str) -> Option<Action> {
    text.chars().filter_map(|c| press(model, key(KeyCode::Char(c)))).last()
}

#[tokio::test(start_paused = true)]
async fn a_command_is_asked_for_before_it_goes() {
    let mut model = model(false).await;
    for (letter, verb) in [('p', Verb::Pause), ('r', Verb::Resume), ('R', Verb::Retry)] {
        assert_eq!(press(&mut model, key(KeyCode::Char(letter))), None);
        assert_eq!(model.overlay, Overlay::Confirm { verb, typed: String::new() });
        insta::assert_snapshot!(format!("asks_{letter}"), text(&drawn(&model, 60, 16)));
        assert_eq!(press(&mut model, key(KeyCode::Char('n'))), None, "no is no");
        assert_eq!(typed(&mut model, &letter.to_string()), None);
        assert_eq!(press(&mut model, key(KeyCode::Enter)), None, "only y is yes");
        assert_eq!(typed(&mut model, &format!("{letter}y")), Some(Action::Command(verb)));
        assert_eq!(model.overlay, Overlay::Nothing);
    }
}

#[tokio::test(start_paused = true)]
async fn an_abort_wants_the_short_name() {
    let mut model = model(false).await;
    assert_eq!(model.short_name(), Some("demo"));
    assert_eq!(typed(&mut model, "adem"), None);
    insta::assert_snapshot!("asks_a", text(&drawn(&model, 80, 24)));
    assert_eq!(press(&mut model, key(KeyCode::Enter)), None, "not whole");
    assert_eq!(typed(&mut model, "ademox"), None);
    assert_eq!(press(&mut model, key(KeyCode::Backspace)), None);
    assert_eq!(press(&mut model, key(KeyCode::Enter)), Some(Action::Command(Verb::Abort)));
    assert_eq!(typed(&mut model, "ademo"), None);
    assert_eq!(press(&mut model, key(KeyCode::Esc)), None);
    assert_eq!((press(&mut model, key(KeyCode::Enter)), &model.overlay), (None, &Overlay::Nothing));
    model.live.run = None;
    typed(&mut model, "a");
    assert_eq!(press(&mut model, key(KeyCode::Enter)), None, "no run, nothing to abort");
}

#[tokio::test(start_paused = true)]
async fn moving_about() {
    let mut model = model(false).await;
    assert_eq!(press(&mut model, key(KeyCode::Char('q'))), Some(Action::Quit));
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(press(&mut model, ctrl_c), Some(Action::Interrupt));
    press(&mut model, key(KeyCode::Char('?')));
    insta::assert_snapshot!("help", text(&drawn(&model, 80, 24)));
    assert_eq!(press(&mut model, ctrl_c), Some(Action::Interrupt), "also over the help");
    assert_eq!(press(&mut model, key(KeyCode::Char('q'))), None, "any key closes the help");
    assert_eq!(model.focus, Panel::Log);
    press(&mut model, key(KeyCode::Up));
    press(&mut model, key(KeyCode::PageUp));
    let back = model.scroll[Panel::Log as usize];
    let before = text(&drawn(&model, 80, 24));
    assert!(back > 0 && before.contains("newer below"), "{back} {before}");
    model.notice = Some(Line { text: "run paused".into(), tone: Tone::Good });
    assert!(text(&drawn(&model, 80, 24)).ends_with("run paused"));
    press(&mut model, key(KeyCode::End));
    assert_eq!((model.scroll[Panel::Log as usize], model.notice.is_none()), (0, true));
    press(&mut model, key(KeyCode::Tab));
    assert_eq!(model.focus, Panel::Heals);
    press(&mut model, key(KeyCode::BackTab));
    press(&mut model, key(KeyCode::BackTab));
    press(&mut model, key(KeyCode::PageDown));
    assert_eq!(model.focus, Panel::Steps);
    drawn(&model, 200, 50);
}

#[tokio::test(start_paused = true)]
async fn records_that_come_twice_and_runs_that_follow() {
    let (_, records) = paused_records().await;
    let mut model = model(false).await;
    let (lines, next) = (model.log.len(), model.live.next);
    for record in &records {
        model.take_record(record);
    }
    assert_eq!(
        (model.log.len(), model.live.next),
        (lines, next),
        "a stream that begins again changes nothing"
    );
    let mut again = records[0].clone();
    (again.seq, again.run) = (next, Some(podlift_model::RunId::new("20261123-020000-next").unwrap()));
    model.take_record(&again);
    assert_eq!(model.short_name(), Some("next"));
}

#[tokio::test(start_paused = true)]
async fn the_sentinel_is_shown_while_no_run_is_open() {
    use podlift_engine::program::Severity;
    use podlift_engine::view::{SentinelRow, SentinelView};
    let mut open = model(false).await;
    let row = |key: &str, severity, what: &str| SentinelRow {
        key: key.into(),
        issue: None,
        severity,
        what: what.into(),
        since: open.now,
        next: "podlift repair --plan".into(),
    };
    let seen = vec![
        row("load-balancers/runai/runai-proxy", Severity::Blocker, "service runai/runai-proxy is gone"),
        row("drift/kubeadm-config", Severity::Warning, "kubeadm-config has changed"),
    ];
    let view = SentinelView { mode: "report".into(), since: Some(open.now), seen };
    let mut status = open.live.status.clone().unwrap();
    status.sentinel = Some(view.clone());
    open.live.take_status(status.clone());
    assert!(!text(&drawn(&open, 100, 30)).contains("Sentinel"), "the paused run is open");
    let mut idle = Model::new(false, open.now);
    status.run = None;
    idle.live.take_status(status.clone());
    let screen = text(&drawn(&idle, 140, 30));
    for part in
        ["Sentinel (report), 2 seen", "broken", "service runai/runai-proxy is gone", "next: podlift repair"]
    {
        assert!(screen.contains(part), "{part}:\n{screen}");
    }
    status.sentinel = Some(SentinelView { seen: vec![], ..view });
    idle.live.take_status(status);
    assert!(text(&drawn(&idle, 80, 24)).contains("nothing is seen"), "{}", text(&drawn(&idle, 80, 24)));
}
