//! What cargo knows about the workspace.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;
use xshell::{Shell, cmd};

pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) packages: Vec<Package>,
}

/// A member of the workspace.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The manifest's path below the root, for findings, and its text, to find lines in.
    pub(crate) manifest: String,
    pub(crate) text: String,
    /// `[package.metadata.house] layer`.
    pub(crate) layer: Option<u64>,
    pub(crate) dependencies: Vec<Dependency>,
    /// Each feature with what it turns on.
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) examples: Vec<String>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) is_dev: bool,
}

impl Workspace {
    pub(crate) fn load(sh: &Shell) -> Result<Self> {
        let json = cmd!(sh, "cargo metadata --format-version 1 --no-deps")
            .quiet()
            .read()?;
        let metadata: Value =
            serde_json::from_str(&json).context("cargo metadata prints no JSON")?;
        let root = PathBuf::from(string(&metadata["workspace_root"]));
        let mut packages = Vec::new();
        for package in elements(&metadata["packages"]) {
            let path = PathBuf::from(string(&package["manifest_path"]));
            packages.push(Package {
                name: string(&package["name"]),
                manifest: path
                    .strip_prefix(&root)
                    .unwrap_or(&path)
                    .display()
                    .to_string(),
                text: sh.read_file(&path)?,
                layer: package["metadata"]["house"]["layer"].as_u64(),
                dependencies: elements(&package["dependencies"])
                    .iter()
                    .map(Dependency::parse)
                    .collect(),
                features: package["features"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, enables)| {
                        (name.clone(), elements(enables).iter().map(string).collect())
                    })
                    .collect(),
                examples: elements(&package["targets"])
                    .iter()
                    .filter(|target| {
                        elements(&target["kind"])
                            .iter()
                            .any(|kind| kind == "example")
                    })
                    .map(|target| string(&target["name"]))
                    .collect(),
            });
        }
        Ok(Self {
            root,
            target: PathBuf::from(string(&metadata["target_directory"])),
            packages,
        })
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// Builds all programs and examples as the tests do, with the same features, so that almost
    /// nothing is compiled a second time, and returns the folder of the programs.
    ///
    /// xtask is left out because it is running.
    pub(crate) fn build_debug(&self, sh: &Shell) -> Result<PathBuf> {
        cmd!(
            sh,
            "cargo build --quiet --workspace --exclude xtask --all-features --bins --examples"
        )
        .quiet()
        .run()?;
        Ok(self.target.join("debug"))
    }
}

impl Dependency {
    fn parse(dependency: &Value) -> Self {
        Self {
            name: string(&dependency["name"]),
            is_dev: dependency["kind"] == "dev",
        }
    }
}

fn elements(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
