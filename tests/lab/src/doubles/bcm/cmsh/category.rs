//! The category mode: list, use, get and set of the image.

use super::session::{Problem, Session, Staged};
use super::table::{Column, Form};

const COLUMNS: [Column; 2] = [("name", "Name (key)", 24), ("softwareimage", "Software image", 24)];

impl Session<'_> {
    pub(super) fn category(&mut self, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["list", rest @ ..] => {
                let form = Form::of(rest).ok_or_else(|| self.unknown(words))?;
                let rows: Vec<Vec<String>> = {
                    let s = self.ctx.world.lock();
                    let row = |(name, c): (&String, &crate::world::bcm::Category)| {
                        vec![name.clone(), c.image.clone().unwrap_or_default()]
                    };
                    s.bcm.categories.iter().map(row).collect()
                };
                self.ctx.out(&form.table(&COLUMNS, &rows).map_err(Problem)?);
                Ok(())
            }
            ["use", name] => self.use_object("category", name),
            ["get", "name"] => {
                self.ctx.out(&self.current()?);
                Ok(())
            }
            ["get", "softwareimage"] => {
                let name = self.current()?;
                let image = self.ctx.world.lock().bcm.categories.get(&name).and_then(|c| c.image.clone());
                self.ctx.out(&self.shown(&image.unwrap_or_default()));
                Ok(())
            }
            ["set", "softwareimage", image] => {
                let category = self.current()?;
                if !self.ctx.world.lock().bcm.images.contains_key(*image) {
                    return Err(Problem(format!("No such software image: {image}")));
                }
                self.staged.push(Staged::CategoryImage { category, image: (*image).into() });
                Ok(())
            }
            _ => Err(self.unknown(words)),
        }
    }
}
