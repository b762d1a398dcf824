//! exiftool as planter and as judge. `tests/run` installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Writes metadata into a file in place.
///
/// # Panics
/// When exiftool is missing or refuses.
pub fn plant(file: &Path, arguments: &[String]) {
    let output = Command::new("exiftool")
        .args(["-overwrite_original", "-m", "-q"])
        .args(arguments)
        .arg(file)
        .output()
        .expect("exiftool is installed: run tests/run");
    assert!(
        output.status.success(),
        "exiftool on {}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Every tag exiftool finds in each file, as `Group:Tag`, duplicates and unknown
/// tags included; what it knows from the file system is left out.
///
/// # Panics
/// When exiftool is missing or its output is not JSON.
#[must_use]
pub fn tags(files: &[PathBuf]) -> Vec<(PathBuf, Vec<String>)> {
    if files.is_empty() {
        return Vec::new();
    }
    let output = Command::new("exiftool")
        .args(["-json", "-G1", "-a", "-u", "-U", "-ee"])
        .args(files)
        .output()
        .expect("exiftool is installed: run tests/run");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("exiftool writes JSON");
    let listed = listed.as_array().expect("a list of files");
    assert_eq!(listed.len(), files.len(), "one object a file");
    let tags = |object: &Value| {
        let object = object.as_object().expect("tags by name");
        let is_ours = |tag: &&String| {
            !(tag.starts_with("System:") || tag.starts_with("ExifTool:") || *tag == "SourceFile")
        };
        object.keys().filter(is_ours).cloned().collect()
    };
    files.iter().cloned().zip(listed.iter().map(tags)).collect()
}

/// The tags of each file that a decoder has no use for; files without any are
/// left out.
#[must_use]
pub fn tags_beyond_structure(files: &[PathBuf]) -> Vec<(PathBuf, Vec<String>)> {
    tags(files)
        .into_iter()
        .map(|(file, mut tags)| {
            tags.retain(|tag| !STRUCTURE.contains(&tag.as_str()));
            (file, tags)
        })
        .filter(|(_, tags)| !tags.is_empty())
        .collect()
}

/// What exiftool says of a file that holds nothing but its picture.
const STRUCTURE: [&str; 78] = [
    "Adobe:APP14Flags0",
    "Adobe:APP14Flags1",
    "Adobe:ColorTransform",
    "Adobe:DCTEncodeVersion",
    "Composite:Duration",
    "Composite:ImageSize",
    "Composite:Megapixels",
    "File:BitsPerSample",
    "File:ColorComponents",
    "File:EncodingProcess",
    "File:FileType",
    "File:FileTypeExtension",
    "File:ImageHeight",
    "File:ImageWidth",
    "File:MIMEType",
    "File:YCbCrSubSampling",
    "GIF:AnimationIterations",
    "GIF:BackgroundColor",
    "GIF:BitsPerPixel",
    "GIF:ColorResolutionDepth",
    "GIF:FrameCount",
    "GIF:GIFVersion",
    "GIF:HasColorMap",
    "GIF:ImageHeight",
    "GIF:ImageWidth",
    "JFIF:JFIFVersion",
    "JFIF:ResolutionUnit",
    "JFIF:XResolution",
    "JFIF:YResolution",
    "Meta:PrimaryItemReference",
    "PNG:AnimationFrames",
    "PNG:AnimationPlays",
    "PNG:BitDepth",
    "PNG:ColorType",
    "PNG:Compression",
    "PNG:Filter",
    "PNG:ImageHeight",
    "PNG:ImageWidth",
    "PNG:Interlace",
    "PNG:Palette",
    "PNG:SRGBRendering",
    "PNG:Transparency",
    "QuickTime:AV1ConfigurationVersion",
    "QuickTime:AuxiliaryImageType",
    "QuickTime:ChromaFormat",
    "QuickTime:ChromaSamplePosition",
    "QuickTime:ColorPrimaries",
    "QuickTime:ColorProfiles",
    "QuickTime:CompatibleBrands",
    "QuickTime:HandlerType",
    "QuickTime:ImagePixelDepth",
    "QuickTime:ImageSpatialExtent",
    "QuickTime:InitialDelaySamples",
    "QuickTime:MajorBrand",
    "QuickTime:MatrixCoefficients",
    "QuickTime:MediaData",
    "QuickTime:MediaDataOffset",
    "QuickTime:MediaDataSize",
    "QuickTime:MinorVersion",
    "QuickTime:QuickTime_ColorRep_0x000a",
    "QuickTime:Rotation",
    "QuickTime:SeqProfile",
    "QuickTime:SeqTier0",
    "QuickTime:TransferCharacteristics",
    "QuickTime:Unknown_imir",
    "RIFF:AlphaCompression",
    "RIFF:AlphaFiltering",
    "RIFF:AlphaPreprocessing",
    "RIFF:AnimationLoopCount",
    "RIFF:BackgroundColor",
    "RIFF:Duration",
    "RIFF:AlphaIsUsed",
    "RIFF:HorizontalScale",
    "RIFF:ImageHeight",
    "RIFF:ImageWidth",
    "RIFF:VP8Version",
    "RIFF:VerticalScale",
    "RIFF:WebP_Flags",
];
