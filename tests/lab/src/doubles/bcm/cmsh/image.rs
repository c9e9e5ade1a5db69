//! The softwareimage mode: list, use, get, clone, remove, lock, unlock, islocked, updateprovisioners, provisioningstatus.

use super::session::{Problem, Session, Staged};
use super::table::{Column, Form};
use crate::doubles::ctx::HEAD;
use crate::world::What;

const COLUMNS: [Column; 4] = [
    ("name", "Name (key)", 20),
    ("path", "Path (key)", 32),
    ("kernelversion", "Kernel version", 24),
    ("nodes", "Nodes", 8),
];
const LOCKS: [Column; 2] = [("image", "Software image", 0), ("locked", "Locked", 0)];

impl Session<'_> {
    pub(super) async fn image(&mut self, words: &[&str]) -> Result<(), Problem> {
        match words {
            ["list", rest @ ..] => self.list_images(words, rest),
            ["use", name] => self.use_object("software image", name),
            ["get", what] => self.get_of_image(&self.current()?, what, words),
            ["get", name, what] => self.get_of_image(name, what, words),
            ["clone", from, image] => {
                self.known(from)?;
                self.staged.push(Staged::Clone { from: (*from).into(), image: (*image).into() });
                Ok(())
            }
            ["remove", image] => {
                self.known(image)?;
                self.staged.push(Staged::Remove { image: (*image).into() });
                Ok(())
            }
            [verb @ ("lock" | "unlock" | "islocked"), rest @ ..] => {
                let image = rest.first().map_or_else(|| self.current(), |i| Ok((*i).to_string()))?;
                self.known(&image)?;
                self.lock(verb, &image).await
            }
            ["updateprovisioners", rest @ ..] => self.updateprovisioners(rest.first().copied()).await,
            ["provisioningstatus", ..] => {
                self.provisioningstatus();
                Ok(())
            }
            _ => Err(self.unknown(words)),
        }
    }

    fn known(&self, image: &str) -> Result<(), Problem> {
        match self.ctx.world.lock().bcm.images.contains_key(image) {
            true => Ok(()),
            false => Err(Problem(format!("No such software image: {image}"))),
        }
    }

    fn list_images(&self, words: &[&str], rest: &[&str]) -> Result<(), Problem> {
        let form = Form::of(rest).ok_or_else(|| self.unknown(words))?;
        let rows: Vec<Vec<String>> = {
            let s = self.ctx.world.lock();
            let row = |(name, i): (&String, &crate::world::bcm::SoftwareImage)| {
                vec![name.clone(), i.path.clone(), i.kernel.clone(), s.bcm.users(name).len().to_string()]
            };
            s.bcm.images.iter().map(row).collect()
        };
        self.ctx.out(&form.table(&COLUMNS, &rows).map_err(Problem)?);
        Ok(())
    }

    fn get_of_image(&self, image: &str, what: &str, words: &[&str]) -> Result<(), Problem> {
        self.known(image)?;
        let text = {
            let s = self.ctx.world.lock();
            let i = &s.bcm.images[image];
            match what {
                "name" => image.to_string(),
                "path" => i.path.clone(),
                "kernelversion" => i.kernel.clone(),
                _ => return Err(self.unknown(words)),
            }
        };
        self.ctx.out(&self.shown(&text));
        Ok(())
    }

    /// What islocked prints is a table; its columns are not documented.
    async fn lock(&self, verb: &str, image: &str) -> Result<(), Problem> {
        let world = &self.ctx.world;
        if verb == "islocked" {
            let locked = world.lock().bcm.images.get(image).is_some_and(|i| i.locked);
            let row = vec![image.to_string(), if locked { "yes" } else { "no" }.into()];
            let table = Form::default().table(&LOCKS, &[row]).map_err(Problem)?;
            self.ctx.out(&table);
            return Ok(());
        }
        let lock = verb == "lock";
        world.lock_image(image, lock);
        let image = image.to_string();
        world.record(
            HEAD,
            if lock { What::ImageLocked { image } } else { What::ImageUnlocked { image } },
            None,
        );
        self.ctx.pause().await;
        Ok(())
    }

    /// Without a name it waits and prints the events; of one image it runs in the background.
    async fn updateprovisioners(&self, image: Option<&str>) -> Result<(), Problem> {
        if let Some(image) = image {
            self.known(image)?;
            self.ctx.world.give_in_background(image);
            self.ctx.out("Provisioners are updated in the background");
            return Ok(());
        }
        let (done, ended) = tokio::sync::oneshot::channel();
        let world = self.ctx.world.clone();
        self.ctx.world.spawn(HEAD, async move {
            // The session may be gone.
            done.send(world.update_provisioners(None).await).ok();
        });
        let said = ended.await.unwrap_or_default();
        self.ctx.pause().await;
        said.iter().for_each(|text| self.ctx.out(text));
        Ok(())
    }
}
