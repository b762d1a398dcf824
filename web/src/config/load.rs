//! Layers: defaults, TOML file, `IMGSHARE_*`, flags. Later ones win.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::error::Kind;
use figment::providers::{Format, Serialized, Toml};
use figment::util::nest;
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::Settings;

/// Read when no `--config` is given and it exists.
const DEFAULT_FILE: &str = "imgshare.toml";

/// Names the file like `--config` does; not a setting itself.
const CONFIG_VARIABLE: &str = "IMGSHARE_CONFIG";

const PREFIX: &str = "IMGSHARE_";

/// What flags say; `None` leaves the setting to the layers below.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// The settings file, instead of `imgshare.toml` in the working folder.
    pub config: Option<PathBuf>,
    /// The settings that flags gave.
    pub values: Vec<FlagValue>,
}

/// One setting that a flag gave.
#[derive(Debug, Clone)]
pub struct FlagValue {
    /// The flag, for messages.
    pub flag: &'static str,
    /// Dotted key of the setting.
    pub key: &'static str,
    /// Its value as written.
    pub text: String,
}

impl Overrides {
    /// Adds what a flag says, if it was given.
    pub fn set(&mut self, flag: &'static str, key: &'static str, text: Option<String>) {
        self.values
            .extend(text.map(|text| FlagValue { flag, key, text }));
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// `--config` or `IMGSHARE_CONFIG` names a file that cannot be read.
    #[error("cannot read the settings file {}: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A key that is no setting.
    #[error("{origin}: there is no setting `{key}`{hint}; `imgshare config` lists them all")]
    Unknown {
        /// The file or variable it stands in.
        origin: String,
        /// The key as written.
        key: String,
        /// What may have been meant, or nothing.
        hint: String,
    },
    /// A value of the wrong kind.
    #[error("{origin}: {message}")]
    Malformed {
        /// The file or variable it stands in.
        origin: String,
        /// What is wrong.
        message: String,
    },
    /// A value out of its bounds.
    #[error("setting `{key}` {why}")]
    Invalid {
        /// Dotted key.
        key: String,
        /// What it must be.
        why: String,
    },
}

/// The effective settings of this process.
///
/// # Errors
/// [`ConfigError`] names the file, variable or key, and what is wrong with it.
pub fn load(overrides: &Overrides) -> Result<Settings, ConfigError> {
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    load_from(overrides, environment)
}

/// [`load`] with an environment of the caller's.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    overrides: &Overrides,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, ConfigError> {
    let known = KnownKeys::collect();
    let mut environment: BTreeMap<String, String> = environment
        .into_iter()
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    let named_file = overrides
        .config
        .clone()
        .or(environment.remove(CONFIG_VARIABLE).map(PathBuf::from));

    let mut figment = Figment::from(Serialized::defaults(Settings::default()));
    if let Some(path) = settings_file(named_file)? {
        figment = figment.merge(Toml::file_exact(path));
    }
    for (name, text) in environment {
        let key = known.of_variable(&name)?;
        figment = figment.merge(Single {
            origin: name,
            value: known.parse(&key, text),
            key,
        });
    }
    for FlagValue { flag, key, text } in &overrides.values {
        figment = figment.merge(Single {
            origin: (*flag).to_owned(),
            value: known.parse(key, text.clone()),
            key: (*key).to_owned(),
        });
    }
    let settings: Settings = figment.extract().map_err(|error| known.explain(error))?;
    settings.check()?;
    Ok(settings)
}

fn settings_file(named: Option<PathBuf>) -> Result<Option<PathBuf>, ConfigError> {
    let Some(path) = named else {
        let default = Path::new(DEFAULT_FILE);
        return Ok(default.is_file().then(|| default.to_owned()));
    };
    match std::fs::metadata(&path) {
        Ok(_) => Ok(Some(path)),
        Err(source) => Err(ConfigError::Unreadable { path, source }),
    }
}

/// One key with its value, from a variable or a flag.
struct Single {
    origin: String,
    key: String,
    value: Value,
}

impl Provider for Single {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = nest(&self.key, self.value.clone())
            .into_dict()
            .unwrap_or_default();
        Ok(Profile::Default.collect(dict))
    }
}

/// Dotted key of every setting, with its default.
struct KnownKeys(BTreeMap<String, Value>);

impl KnownKeys {
    fn collect() -> Self {
        let defaults = Value::serialize(Settings::default())
            .expect("the defaults hold nothing that figment cannot serialise");
        let mut keys = BTreeMap::new();
        flatten("", &defaults, &mut keys);
        Self(keys)
    }

    fn of_variable(&self, name: &str) -> Result<String, ConfigError> {
        let is_named = |key: &&String| variable(key) == name;
        self.0.keys().find(is_named).cloned().ok_or_else(|| {
            let nearest = nearest(name, self.0.keys().map(|key| variable(key)));
            ConfigError::Unknown {
                origin: "environment".to_owned(),
                key: name.to_owned(),
                hint: hint(nearest),
            }
        })
    }

    /// A setting that is text takes the text as it stands, so that a name may
    /// be `true` or `1`.
    fn parse(&self, key: &str, text: String) -> Value {
        match self.0.get(key) {
            Some(Value::String(..)) => Value::from(text),
            _ => text.parse().unwrap_or_else(|never| match never {}),
        }
    }

    fn explain(&self, error: figment::Error) -> ConfigError {
        let origin = error.metadata.as_ref().map_or_else(
            || "settings".to_owned(),
            |metadata| {
                metadata
                    .source
                    .as_ref()
                    .map_or_else(|| metadata.name.to_string(), |source| source.to_string())
            },
        );
        let mut path = error.path.clone();
        match &error.kind {
            Kind::UnknownField(field, _) => {
                if path.last() != Some(field) {
                    path.push(field.clone());
                }
                let key = path.join(".");
                let hint = hint(nearest(&key, self.0.keys().cloned()));
                ConfigError::Unknown { origin, key, hint }
            }
            kind if path.is_empty() => ConfigError::Malformed {
                origin,
                message: kind.to_string(),
            },
            kind => ConfigError::Malformed {
                origin,
                message: format!("setting `{}`: {kind}", path.join(".")),
            },
        }
    }
}

fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_ascii_uppercase())
}

fn flatten(prefix: &str, value: &Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Dict(_, dict) => {
            for (name, value) in dict {
                let key = if prefix.is_empty() {
                    name.clone()
                } else {
                    format!("{prefix}.{name}")
                };
                flatten(&key, value, keys);
            }
        }
        leaf => {
            keys.insert(prefix.to_owned(), leaf.clone());
        }
    }
}

fn hint(nearest: Option<String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// The candidate with the fewest edits, if it is near enough to be a slip.
fn nearest(written: &str, candidates: impl Iterator<Item = String>) -> Option<String> {
    const EDITS_MAX: usize = 3;
    candidates
        .map(|candidate| (edits(written, &candidate), candidate))
        .filter(|(edits, _)| *edits <= EDITS_MAX)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein distance, over bytes: keys are ASCII.
fn edits(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (left_idx, left_byte) in left.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = left_idx + 1;
        for (right_idx, right_byte) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(left_byte != right_byte);
            diagonal = row[right_idx + 1];
            row[right_idx + 1] = replaced.min(row[right_idx] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    fn file(text: &str) -> (tempfile::TempDir, Overrides) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("settings.toml");
        std::fs::write(&path, text).unwrap();
        (
            dir,
            Overrides {
                config: Some(path),
                values: Vec::new(),
            },
        )
    }

    #[test]
    fn later_layers_win() {
        let (_dir, mut overrides) = file(
            "device = \"gpu\"\nlisten = \"127.0.0.1:1\"\n[limits]\nside_px_max = 10\nframes_max = 3\n",
        );
        let environment = env(&[
            ("IMGSHARE_LISTEN", "127.0.0.1:2"),
            ("IMGSHARE_LIMITS_SIDE_PX_MAX", "20"),
            ("UNRELATED", "x"),
        ]);
        overrides.set("--listen", "listen", Some("127.0.0.1:3".to_owned()));
        let settings = load_from(&overrides, environment).unwrap();
        assert_eq!(settings.listen.port(), 3, "the flag wins over the variable");
        assert_eq!(
            settings.limits.side_px_max, 20,
            "the variable wins over the file"
        );
        assert_eq!(
            settings.limits.frames_max, 3,
            "the file wins over the default"
        );
        assert_eq!(settings.device, "gpu");
        assert_eq!(settings.limits.pixels_max, 50_000_000);
    }

    #[test]
    fn the_printed_settings_read_back_as_themselves() {
        let mut settings = Settings::default();
        settings.moderation.review_band = 0.15;
        settings.http.metrics_listen = crate::config::MetricsListen(None);
        let text = toml::to_string_pretty(&settings).unwrap();
        assert!(text.contains("review_band = 0.15"), "{text}");
        let (_dir, overrides) = file(&text);
        assert_eq!(load_from(&overrides, []).unwrap(), settings);
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_neighbour() {
        let (_dir, overrides) = file("[limits]\nside_px = 10\n");
        let message = load_from(&overrides, []).unwrap_err().to_string();
        assert!(message.contains("`limits.side_px`"), "{message}");
        assert!(message.contains("settings.toml"), "{message}");

        let environment = env(&[("IMGSHARE_LISTN", "127.0.0.1:2")]);
        let message = load_from(&Overrides::default(), environment)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("did you mean `IMGSHARE_LISTEN`?"),
            "{message}"
        );
    }

    #[test]
    fn a_value_of_the_wrong_kind_names_its_key() {
        let environment = env(&[("IMGSHARE_LIMITS_SIDE_PX_MAX", "wide")]);
        let message = load_from(&Overrides::default(), environment)
            .unwrap_err()
            .to_string();
        assert!(message.contains("IMGSHARE_LIMITS_SIDE_PX_MAX"), "{message}");
        assert!(message.contains("limits.side_px_max"), "{message}");
    }

    #[test]
    fn text_settings_take_any_text() {
        let environment = env(&[("IMGSHARE_SITE_NAME", "2048")]);
        let settings = load_from(&Overrides::default(), environment).unwrap();
        assert_eq!(settings.site.name, "2048");
    }

    #[test]
    fn bounds_are_checked() {
        for (name, value, key) in [
            ("IMGSHARE_MODERATION_SEXY_MIN", "1.5", "moderation.sexy_min"),
            ("IMGSHARE_HTTP_CONNECTIONS_MAX", "0", "http.connections_max"),
            ("IMGSHARE_BASE_URL", "img.example", "base_url"),
            (
                "IMGSHARE_PIPELINE_DECODE_MEMORY_BYTES_MAX",
                "200000000",
                "pipeline.decode_memory_bytes_max",
            ),
            (
                "IMGSHARE_LIMITS_PIXELS_MAX",
                "500000000",
                "pipeline.decode_memory_bytes_max",
            ),
            ("IMGSHARE_BASE_URL", "https://img.example/", "base_url"),
        ] {
            let message = load_from(&Overrides::default(), env(&[(name, value)]))
                .unwrap_err()
                .to_string();
            assert!(message.contains(key), "{message}");
        }
    }

    #[test]
    fn a_named_file_that_is_missing_is_an_error() {
        let overrides = Overrides {
            config: Some("/nowhere/x.toml".into()),
            values: Vec::new(),
        };
        let message = load_from(&overrides, []).unwrap_err().to_string();
        assert!(message.contains("/nowhere/x.toml"), "{message}");
    }
}
