//! What the person gives: the keys, and the commands that they confirm.

use super::model::Message;
use crate::Context;
use podlift_client::{Command, Error};
use ratatui::crossterm::event::{self, Event};
use std::time::Duration;
use tokio::sync::mpsc::Sender;

/// How long the keyboard's thread may outlive the screen.
const POLL: Duration = Duration::from_millis(100);

/// Sends keys and changes of the terminal's size until the receiver is gone.
pub(super) fn keyboard(to: Sender<Message>) {
    std::thread::spawn(move || {
        while !to.is_closed() {
            let message = match event::poll(POLL) {
                Ok(false) => continue,
                Ok(true) => match event::read() {
                    Ok(Event::Key(key)) => Message::Key(key),
                    Ok(_) => Message::Redraw,
                    Err(_) => return,
                },
                Err(_) => return,
            };
            if to.blocking_send(message).is_err() {
                return;
            }
        }
    });
}

/// Gives a command for the open run, and sends the answer.
pub(super) async fn command(context: Context, command: Command, to: Sender<Message>) {
    let answer = async { context.endpoint.connect().await?.command(&command).await };
    let answer: Result<String, Error> = answer.await;
    drop(to.send(Message::Answer(answer.map_err(|e| e.summary()))).await);
}
