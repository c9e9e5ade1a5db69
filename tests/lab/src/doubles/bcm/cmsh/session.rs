//! A session of cmsh: where it is, and what is set and not committed.

use crate::doubles::ctx::{Ctx, HEAD};
use crate::world::State;
use crate::world::What;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Top,
    Main,
    Device,
    Category,
    Image,
    Task,
    Kubernetes,
    Overlay,
}

impl Mode {
    pub fn named(word: &str) -> Option<Self> {
        Some(match word {
            "main" => Self::Main,
            "device" => Self::Device,
            "category" => Self::Category,
            "softwareimage" => Self::Image,
            "task" => Self::Task,
            "kubernetes" => Self::Kubernetes,
            "configurationoverlay" => Self::Overlay,
            _ => return None,
        })
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Top => "",
            Self::Main => "main",
            Self::Device => "device",
            Self::Category => "category",
            Self::Image => "softwareimage",
            Self::Task => "task",
            Self::Kubernetes => "kubernetes",
            Self::Overlay => "configurationoverlay",
        }
    }
}

/// Its text is for stderr; cmsh exits 1.
#[derive(Debug)]
pub struct Problem(pub String);

/// Set, and not committed.
#[derive(Debug, Clone)]
pub enum Staged {
    DeviceImage { device: String, image: Option<String> },
    DeviceCategory { device: String, category: String },
    CategoryImage { category: String, image: String },
    Clone { from: String, image: String },
    Remove { image: String },
    Version { cluster: String, version: String },
}

impl Staged {
    fn mode(&self) -> Mode {
        match self {
            Self::DeviceImage { .. } | Self::DeviceCategory { .. } => Mode::Device,
            Self::CategoryImage { .. } => Mode::Category,
            Self::Clone { .. } | Self::Remove { .. } => Mode::Image,
            Self::Version { .. } => Mode::Kubernetes,
        }
    }
}

pub struct Session<'a> {
    pub ctx: &'a Ctx,
    colors: bool,
    events: bool,
    pub mode: Mode,
    /// The object in use.
    pub object: Option<String>,
    /// Submodes of the Kubernetes mode.
    pub path: Vec<String>,
    pub staged: Vec<Staged>,
}

impl<'a> Session<'a> {
    pub fn new(ctx: &'a Ctx, colors: bool, events: bool) -> Self {
        Self { ctx, colors, events, mode: Mode::Top, object: None, path: vec![], staged: vec![] }
    }

    pub fn enter(&mut self, mode: Mode) {
        (self.mode, self.object) = (mode, None);
        self.path.clear();
    }

    pub fn unknown(&self, words: &[&str]) -> Problem {
        Problem(format!("Command '{}' not found.", words.join(" ")))
    }

    /// A word as a terminal shows it.
    pub fn shown(&self, text: &str) -> String {
        if self.colors { format!("\u{1b}[32m{text}\u{1b}[0m") } else { text.into() }
    }

    /// Events that happened meanwhile, between the lines of the answer.
    pub fn events(&self) {
        let events = self.ctx.world.lock().bcm.switches.events.clone();
        events.iter().for_each(|event| self.event(event));
    }

    pub fn event(&self, text: &str) {
        if self.events {
            let at = self.ctx.world.clock.now().strftime("%a %b %d %H:%M:%S %Y");
            self.ctx.out(&format!("{at} [notice] {HEAD}: {text}"));
        }
    }

    /// Names of the mode's objects.
    pub fn names(&self) -> Vec<String> {
        let s = self.ctx.world.lock();
        match self.mode {
            Mode::Device => s.bcm.devices.keys().cloned().collect(),
            Mode::Category => s.bcm.categories.keys().cloned().collect(),
            Mode::Image => s.bcm.images.keys().cloned().collect(),
            Mode::Kubernetes => clusters(&s).into_iter().map(|(name, _)| name).collect(),
            _ => vec![],
        }
    }

    /// `use NAME`: of this kind.
    pub fn use_object(&mut self, kind: &str, name: &str) -> Result<(), Problem> {
        match self.names().iter().any(|n| n == name) {
            true => {
                self.object = Some(name.into());
                Ok(())
            }
            false => Err(Problem(format!("No such {kind}: {name}"))),
        }
    }

    /// What is staged in this mode becomes so, in order. Of the other modes it stays staged.
    pub async fn commit(&mut self, _words: &[&str]) -> Result<(), Problem> {
        let mode = self.mode;
        let (now, later) =
            std::mem::take(&mut self.staged).into_iter().partition(|s: &Staged| s.mode() == mode);
        self.staged = later;
        let now: Vec<Staged> = now;
        for staged in now {
            self.apply(staged).await?;
        }
        self.ctx.pause().await;
        Ok(())
    }

    async fn apply(&self, staged: Staged) -> Result<(), Problem> {
        let world = &self.ctx.world;
        match staged {
            Staged::DeviceImage { device, image } => {
                world.update(|s| s.bcm.devices.get_mut(&device).map(|d| d.image.clone_from(&image)));
                world.record(&device, What::ImageAssigned { image }, None);
            }
            Staged::DeviceCategory { device, category } => world.update(|s| {
                s.bcm.devices.get_mut(&device).map(|d| d.category = Some(category)).unwrap_or_default();
            }),
            Staged::CategoryImage { category, image } => {
                world.update(|s| s.bcm.categories.get_mut(&category).map(|c| c.image = Some(image.clone())));
                world.record(HEAD, What::CategoryImage { category: category.clone(), image }, None);
                world.assert_services(&category);
            }
            Staged::Clone { from, image } => world.clone_image(&from, &image).await.map_err(Problem)?,
            Staged::Remove { image } => {
                let users = world.lock().bcm.users(&image);
                if let Some(user) = users.first() {
                    return Err(Problem(format!("Software image {image} is used by {user}")));
                }
                world.forget_image(&image);
                self.ctx
                    .out("Successfully removed 1 SoftwareImages\nSuccessfully committed 0 SoftwareImages");
            }
            Staged::Version { cluster, version } => version_set(self.ctx, &cluster, version),
        }
        Ok(())
    }
}

fn version_set(ctx: &Ctx, cluster: &str, version: String) {
    let own = ctx.world.update(|s| {
        if s.bcm.switches.version_stays {
            return false;
        }
        match s.bcm.more_clusters.iter_mut().find(|(name, _)| name == cluster) {
            Some((_, old)) => old.clone_from(&version),
            None => s.bcm.version.clone_from(&version),
        }
        true
    });
    if own {
        ctx.world.record(HEAD, What::BcmVersion { version }, None);
    }
}

/// Kubernetes clusters: name and version.
pub fn clusters(s: &State) -> Vec<(String, String)> {
    let own = [(s.bcm.cluster.clone(), s.bcm.version.clone())];
    own.into_iter().chain(s.bcm.more_clusters.clone()).collect()
}
