//! The device mode: list, status, use, get, set, clear, imageupdate, synclog, excludelist.

use super::session::{Problem, Session, Staged};
use super::table::{Column, Form};
use crate::world::State;

const COLUMNS: [Column; 7] = [
    ("type", "Type", 22),
    ("hostname", "Hostname (key)", 16),
    ("mac", "MAC", 18),
    ("category", "Category", 16),
    ("ip", "Ip", 15),
    ("network", "Network", 14),
    ("status", "Status", 16),
];

impl Session<'_> {
    pub(super) async fn device(&mut self, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["list", rest @ ..] => self.list_devices(words, rest),
            ["status", rest @ ..] => self.device_status(rest),
            ["use", name] => self.use_object("device", name),
            ["get", what] => self.get_of_device(&self.current()?, what, words),
            ["get", name, what] => self.get_of_device(name, what, words),
            ["set", "softwareimage", image] => self.set_image(Some(image)),
            ["set", "category", category] => self.set_category(category),
            ["clear", "softwareimage"] => self.set_image(None),
            ["imageupdate", rest @ ..] => self.imageupdate(rest).await,
            ["synclog", rest @ ..] => self.synclog(rest),
            ["excludelist", "get", mode, "/"] => self.excludelist(mode),
            ["lastprovisioningnode"] => self.last_provisioner(),
            _ => Err(self.unknown(words)),
        }
    }

    pub(super) fn current(&self) -> Result<String, Problem> {
        self.object.clone().ok_or_else(|| Problem("No object in use".into()))
    }

    fn list_devices(&self, words: &[&str], rest: &[&str]) -> Result<(), Problem> {
        let form = Form::of(rest).ok_or_else(|| self.unknown(words))?;
        let kind = rest.iter().position(|w| *w == "-t").and_then(|i| rest.get(i + 1));
        let rows: Vec<Vec<String>> = {
            let s = self.ctx.world.lock();
            let devices = s.bcm.devices.iter();
            let wanted = devices.filter(|(_, d)| kind.is_none_or(|k| k.eq_ignore_ascii_case(d.kind)));
            wanted
                .map(|(name, d)| {
                    let ip = s.place(name).map(|n| n.ip.clone()).unwrap_or_default();
                    let category = d.category.clone().unwrap_or_default();
                    let mac = "FA:16:3E:C8:06:D1".to_string();
                    vec![
                        d.kind.into(),
                        name.clone(),
                        mac,
                        category,
                        ip,
                        "internalnet".into(),
                        format!("[   {}   ]", up(&s, name)),
                    ]
                })
                .collect()
        };
        self.ctx.out(&form.table(&COLUMNS, &rows).map_err(Problem)?);
        Ok(())
    }

    fn device_status(&self, rest: &[&str]) -> Result<(), Problem> {
        let named = rest.last().filter(|w| !w.starts_with('-')).map(ToString::to_string);
        let only = named.or_else(|| self.object.clone());
        let s = self.ctx.world.lock();
        let lines: Vec<String> = s
            .bcm
            .devices
            .keys()
            .filter(|name| only.as_ref().is_none_or(|o| o == *name))
            .map(|name| {
                format!("{name} {:.<1$} [   {2}   ]", "", 20_usize.saturating_sub(name.len()), up(&s, name))
            })
            .collect();
        drop(s);
        if lines.is_empty() {
            return Err(Problem(format!("No such device: {}", only.unwrap_or_default())));
        }
        lines.iter().for_each(|line| self.ctx.out(line));
        Ok(())
    }

    fn get_of_device(&self, device: &str, what: &str, words: &[&str]) -> Result<(), Problem> {
        let text = {
            let s = self.ctx.world.lock();
            let Some(d) = s.bcm.devices.get(device) else {
                return Err(Problem(format!("No such device: {device}")));
            };
            let category = d.category.clone().unwrap_or_default();
            match what {
                "hostname" => device.to_string(),
                "type" => d.kind.to_string(),
                "category" => category,
                "softwareimage" => match s.bcm.image_of(device) {
                    Some((image, true)) => image,
                    Some((image, false)) => format!("{image} (category:{category})"),
                    None => String::new(),
                },
                _ => return Err(self.unknown(words)),
            }
        };
        self.ctx.out(&self.shown(&text));
        Ok(())
    }

    fn set_image(&mut self, image: Option<&&str>) -> Result<(), Problem> {
        let device = self.current()?;
        let image = image.map(ToString::to_string);
        let known = image.as_ref().is_none_or(|i| self.ctx.world.lock().bcm.images.contains_key(i));
        if !known {
            return Err(Problem(format!("No such software image: {}", image.unwrap_or_default())));
        }
        self.staged.push(Staged::DeviceImage { device, image });
        Ok(())
    }

    fn set_category(&mut self, category: &str) -> Result<(), Problem> {
        let device = self.current()?;
        if !self.ctx.world.lock().bcm.categories.contains_key(category) {
            return Err(Problem(format!("No such category: {category}")));
        }
        self.staged.push(Staged::DeviceCategory { device, category: category.into() });
        Ok(())
    }

    fn excludelist(&self, mode: &str) -> Result<(), Problem> {
        let device = self.current()?;
        let lines = self.ctx.world.lock().excludes(&device, mode);
        lines.iter().for_each(|line| match line.starts_with("no-new-files:") {
            true => self.ctx.out(line),
            false => self.ctx.out(&format!("- {line}")),
        });
        Ok(())
    }

    fn synclog(&self, rest: &[&str]) -> Result<(), Problem> {
        let path = rest.contains(&"-p");
        let named = rest.last().filter(|w| !w.starts_with('-')).map(ToString::to_string);
        let device = named.map_or_else(|| self.current(), Ok)?;
        if path {
            self.ctx.out(&crate::world::bcm::log_path(&device));
            return Ok(());
        }
        let text = {
            let s = self.ctx.world.lock();
            s.bcm.syncs.get(&device).map(|log| log.text(&s.bcm.switches.zone))
        };
        match text {
            Some(text) => self.ctx.print(&text, false),
            None => self.ctx.out(&format!("No provisioning log for {device}")),
        }
        Ok(())
    }

    fn last_provisioner(&self) -> Result<(), Problem> {
        let device = self.current()?;
        let node = self.ctx.world.lock().bcm.syncs.get(&device).map(|log| log.provisioner.clone());
        self.ctx.out(&node.unwrap_or_default());
        Ok(())
    }
}

/// A head, and what is no node of the cluster, is up.
fn up(s: &State, device: &str) -> &'static str {
    let off = s
        .nodes
        .get(device)
        .is_some_and(|n| n.kubelet.running.is_none() && n.containers.is_empty() && n.is_control_plane());
    if off { "DOWN" } else { " UP " }
}
