//! The package's `.min.js` files: browserify bundles around one value.
//!
//! `...({1:[function(e,a,n){a.exports=VALUE},{}]},{},[1])(1)});` where VALUE is
//! an object literal (topology and weight manifest) or a string (base64). The
//! JavaScript is never run. Of the object only the weight manifest is cut out:
//! it is plain JSON5, while the rest holds operators such as `!1`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

/// Deeper nesting than any manifest has (4), shallower than any stack.
const DEPTH_MAX: usize = 32;

/// Files that lie back to back, and the weights in them.
#[derive(Debug, Deserialize)]
pub(super) struct WeightGroup {
    /// In the order of their bytes.
    pub(super) weights: Vec<SourceWeight>,
}

/// One weight of the source.
#[derive(Debug, Deserialize)]
pub(super) struct SourceWeight {
    pub(super) name: String,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: String,
    pub(super) quantization: Quantization,
}

/// How a weight's bytes become numbers: `byte * scale + min`.
#[derive(Debug, Deserialize)]
pub(super) struct Quantization {
    pub(super) min: f64,
    pub(super) scale: f64,
    pub(super) dtype: String,
}

/// The weight manifest of a bundled `model.min.js`.
pub(super) fn weight_manifest(bundle: &[u8]) -> Result<Vec<WeightGroup>, String> {
    let bundle = str::from_utf8(bundle).map_err(|_| "the model is not UTF-8")?;
    let module = after_exports(bundle, '{').ok_or("the model's bundle exports no object")?;
    let manifest = value_of_key(module, "weightsManifest")?;
    json5::from_str(manifest).map_err(|error| format!("the weight manifest is no JSON5: {error}"))
}

/// The bytes of a bundled weight shard.
pub(super) fn shard(bundle: &[u8]) -> Result<Vec<u8>, String> {
    let bundle = str::from_utf8(bundle).map_err(|_| "a shard is not UTF-8")?;
    let module = after_exports(bundle, '"').ok_or("a shard's bundle exports no string")?;
    let (text, _) = module[1..]
        .split_once('"')
        .ok_or("a shard's string does not end")?;
    STANDARD
        .decode(text)
        .map_err(|error| format!("a shard is no base64: {error}"))
}

/// The bundle from the first exported value that starts with `opening`. The
/// loader in front of it also assigns `module.exports`, but from a call.
fn after_exports(bundle: &str, opening: char) -> Option<&str> {
    const EXPORTS: &str = ".exports=";
    bundle
        .match_indices(EXPORTS)
        .map(|(at, _)| &bundle[at + EXPORTS.len()..])
        .find(|value| value.starts_with(opening))
}

/// The text of the array under `key` of the object literal that `object`
/// starts with. Keys of nested objects and words inside strings do not count.
fn value_of_key<'a>(object: &'a str, key: &str) -> Result<&'a str, String> {
    let mut start = None;
    for token in Tokens::new(object) {
        let (at, depth, kind) = token?;
        match (start, kind) {
            (None, Token::Open('[')) if depth == 2 && key_before(object, at) == key => {
                start = Some(at);
            }
            (Some(start), Token::Close(']')) if depth == 1 => return Ok(&object[start..=at]),
            (_, Token::Close(_)) if depth == 0 => break,
            _ => {}
        }
    }
    Err(format!("the model has no whole {key}"))
}

/// The key in front of the value at `at`.
fn key_before(object: &str, at: usize) -> &str {
    let Some(text) = object[..at].trim_end().strip_suffix(':') else {
        return "";
    };
    let start = text.rfind([',', '{']).map_or(0, |comma| comma + 1);
    text[start..].trim().trim_matches(['"', '\''])
}

#[derive(Clone, Copy)]
enum Token {
    Open(char),
    Close(char),
}

/// Brackets outside strings, each with its offset and the depth after it.
struct Tokens<'a> {
    chars: std::str::CharIndices<'a>,
    depth: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            chars: text.char_indices(),
            depth: 0,
        }
    }

    fn skip_string(&mut self, quote: char) {
        while let Some((_, char)) = self.chars.next() {
            match char {
                '\\' => drop(self.chars.next()),
                char if char == quote => return,
                _ => {}
            }
        }
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<(usize, usize, Token), String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (at, char) = self.chars.next()?;
            match char {
                '"' | '\'' | '`' => self.skip_string(char),
                '{' | '[' | '(' => {
                    self.depth += 1;
                    if self.depth > DEPTH_MAX {
                        return Some(Err(format!("the model nests deeper than {DEPTH_MAX}")));
                    }
                    return Some(Ok((at, self.depth, Token::Open(char))));
                }
                '}' | ']' | ')' => {
                    self.depth = self.depth.checked_sub(1)?;
                    return Some(Ok((at, self.depth, Token::Close(char))));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOADER: &str = "!function(e){module.exports=e()}(function(){n[_]={exports:{}};";

    fn model(object: &str) -> Vec<u8> {
        format!("{LOADER}({{1:[function(e,a,n){{a.exports={object}}},{{}}]}},{{}},[1])(1)}});")
            .into_bytes()
    }

    const MANIFEST: &str = r#"[{paths:["group1"],weights:[{name:"a/b",shape:[2,3],
        dtype:"float32",quantization:{min:-.25,scale:5e-1,dtype:"uint8"}}]}]"#;

    #[test]
    fn the_manifest_is_found_among_javascript() {
        let object = format!(
            r#"{{modelTopology:{{sparse:!1,weightsManifest:[1],text:"weightsManifest:[]\"}}"}},
            "weightsManifest":{MANIFEST},after:!0}}"#
        );
        let groups = weight_manifest(&model(&object)).unwrap();
        let weight = &groups[0].weights[0];
        assert_eq!(
            (weight.name.as_str(), weight.shape.as_slice()),
            ("a/b", &[2, 3][..])
        );
        assert_eq!(
            (weight.quantization.min, weight.quantization.scale),
            (-0.25, 0.5)
        );
    }

    #[test]
    fn a_model_without_a_manifest_is_refused() {
        for object in [
            "{}",
            "{weightsManifest:1}",
            "{a:{weightsManifest:[]}}",
            "{weightsManifest:[",
        ] {
            assert!(weight_manifest(&model(object)).is_err(), "{object}");
        }
        assert!(weight_manifest(b"").is_err());
        assert!(weight_manifest(&[0xff, 0xfe]).is_err());
    }

    #[test]
    fn endless_nesting_is_refused() {
        let deep = format!("{{weightsManifest:{}", "[".repeat(100_000));
        assert!(
            weight_manifest(&model(&deep))
                .unwrap_err()
                .contains("nests deeper")
        );
    }

    #[test]
    fn a_shard_is_its_base64() {
        let bundle = format!("{LOADER}({{1:[function(e,a,n){{a.exports=\"AQL/\"}},{{}}]}})");
        assert_eq!(shard(bundle.as_bytes()).unwrap(), [1, 2, 255]);
        assert!(shard(b"a.exports=\"AQL").is_err());
        assert!(shard(b"a.exports=\"A L/\"").is_err());
    }
}
