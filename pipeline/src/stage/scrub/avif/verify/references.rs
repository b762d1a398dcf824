//! What the items of a rebuilt AVIF are to each other: each is the picture, its
//! alpha, or a tile of one of them, and is so once.

use super::super::super::Unclean;
use super::{CUT, UNKNOWN_PART, next_box};

const UNSOUND: Unclean = "an item of the AVIF refers to what it may not";

/// What an item is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The picture.
    Shown,
    /// The alpha of the picture.
    Alpha,
    /// A part of a grid, the item of this index.
    Tile { grid_idx: usize },
}

/// The role of every item, of which `n_tiles` says how many tiles it has if it is
/// a grid. A tile is no grid, so nothing refers to itself, however long the way.
pub(super) fn roles(n_tiles: &[Option<usize>], table: &[u8]) -> Result<Vec<Role>, Unclean> {
    let mut rest = table.strip_prefix(&[0; 4]).ok_or(UNKNOWN_PART)?;
    let mut roles = Roles {
        of: vec![None; n_tiles.len()],
        tiled: n_tiles.iter().map(Option::is_none).collect(),
        premultiplied: None,
    };
    roles.give(0, Role::Shown)?;
    while !rest.is_empty() {
        let name = rest.get(4..8).ok_or(CUT)?;
        let (from_idx, targets) = read(next_box(&mut rest, name)?)?;
        roles.add(name, from_idx, &targets, n_tiles)?;
    }
    roles.finish()
}

/// From which item, to which ones; all counted from zero.
fn read(reference: &[u8]) -> Result<(usize, Vec<usize>), Unclean> {
    let (words, odd) = reference.as_chunks::<2>();
    let mut words = words
        .iter()
        .map(|two| usize::from(u16::from_be_bytes(*two)));
    let (from, n_targets) = words.next().zip(words.next()).ok_or(CUT)?;
    let targets: Option<Vec<usize>> = words.map(|id| id.checked_sub(1)).collect();
    let targets = targets.filter(|targets| targets.len() == n_targets && odd.is_empty());
    let from_idx = from.checked_sub(1).ok_or(UNSOUND)?;
    Ok((from_idx, targets.ok_or(UNKNOWN_PART)?))
}

struct Roles {
    of: Vec<Option<Role>>,
    /// Whether an item has the tiles it needs.
    tiled: Vec<bool>,
    /// The item that the picture's colours are multiplied by.
    premultiplied: Option<usize>,
}

impl Roles {
    /// An item has one role.
    fn give(&mut self, item_idx: usize, role: Role) -> Result<(), Unclean> {
        match self.of.get_mut(item_idx) {
            Some(none @ None) => {
                *none = Some(role);
                Ok(())
            }
            _ => Err(UNSOUND),
        }
    }

    fn add(
        &mut self,
        name: &[u8],
        from_idx: usize,
        targets: &[usize],
        n_tiles: &[Option<usize>],
    ) -> Result<(), Unclean> {
        match (name, targets) {
            (b"dimg", tiles) => {
                let tiled = self.tiled.get_mut(from_idx).ok_or(UNSOUND)?;
                if *tiled || n_tiles[from_idx] != Some(tiles.len()) {
                    return Err(UNSOUND);
                }
                *tiled = true;
                for &tile_idx in tiles {
                    if n_tiles.get(tile_idx).is_none_or(Option::is_some) {
                        return Err(UNSOUND);
                    }
                    let grid_idx = from_idx;
                    self.give(tile_idx, Role::Tile { grid_idx })?;
                }
                Ok(())
            }
            (b"auxl", [0]) if !self.of.contains(&Some(Role::Alpha)) => {
                self.give(from_idx, Role::Alpha)
            }
            (b"prem", [alpha_idx]) if from_idx == 0 && self.premultiplied.is_none() => {
                self.premultiplied = Some(*alpha_idx);
                Ok(())
            }
            _ => Err(UNSOUND),
        }
    }

    fn finish(self) -> Result<Vec<Role>, Unclean> {
        let is_alpha = |item_idx: usize| self.of.get(item_idx) == Some(&Some(Role::Alpha));
        if self.tiled.contains(&false) || !self.premultiplied.is_none_or(is_alpha) {
            return Err(UNSOUND);
        }
        let roles: Option<Vec<Role>> = self.of.into_iter().collect();
        roles.ok_or("the AVIF keeps a picture that is not shown")
    }
}
