//! Memory that one image leaves behind, which the next must not see.

use super::*;

/// Branches that share an input of more channels than are limited one by one.
fn wide(height: usize, width: usize, seed: u64) -> Network {
    let numbers = &mut Numbers(seed);
    let window = Window {
        side: 3,
        stride: 1,
        padding: Padding::all(1),
    };
    let first = numbers.conv([1, 1], 3, 530);
    let around = Conv {
        padding: Padding::all(1),
        ..numbers.conv([3, 3], 24, 16)
    };
    let own = Conv {
        padding: Padding::all(1),
        ..numbers.conv([3, 3], 530, 16)
    };
    let mut pointwise = |to| Layer::Conv(numbers.conv([1, 1], 530, to));
    let branches = vec![
        vec![pointwise(16)],
        vec![pointwise(24), Layer::Conv(around)],
        vec![Layer::Conv(own)],
        vec![Layer::AveragePool(window), pointwise(32)],
        vec![Layer::Branches(vec![
            vec![pointwise(16)],
            vec![pointwise(16)],
        ])],
        vec![Layer::MaxPool(window), pointwise(19)],
    ];
    let layers = vec![
        Layer::Conv(first),
        Layer::Branches(branches),
        Layer::Conv(numbers.conv([1, 1], 131, 33)),
        Layer::GlobalAveragePool,
        numbers.dense(33, 5, Activation::None),
        Layer::Softmax,
    ];
    Network {
        height,
        width,
        levels: Levels::UNIT,
        layers,
    }
}

fn assert_serves_images_in_turn(network: &Network) {
    for (name, plan) in every_plan(network) {
        let n_samples = plan.n_samples();
        let [one, other] = [1, 2].map(|seed| Numbers(seed).samples(n_samples));
        let faint = other.iter().map(|sample| sample >> 6).collect();
        let (dark, bright) = (vec![0; n_samples], vec![u16::MAX; n_samples]);
        let images = [one, other, faint, dark, bright];
        let answer = |scratch: &mut Scratch, image: &[u16]| {
            let mut answer = vec![0.0; plan.n_outputs()];
            plan.run(image, scratch, &mut answer);
            answer
        };
        let fresh = images
            .each_ref()
            .map(|image| answer(&mut plan.scratch(), image));
        assert_ne!(fresh[0], fresh[1], "{name}: answers must tell images apart");
        let mut used = plan.scratch();
        // Each image comes after another one in both directions.
        for image_idx in [0, 1, 2, 3, 4, 3, 2, 1, 0, 4, 0] {
            let answer = answer(&mut used, &images[image_idx]);
            assert_eq!(answer, fresh[image_idx], "{name}: image {image_idx}");
        }
    }
}

#[test]
fn scratch_serves_images_in_turn() {
    assert_serves_images_in_turn(&mobile(30, 26, 5));
    assert_serves_images_in_turn(&inception(31, 29, 5));
    assert_serves_images_in_turn(&squares(27, 26, 5));
}

#[test]
fn scratch_serves_images_in_turn_where_branches_share_many_channels() {
    assert_serves_images_in_turn(&wide(7, 10, 5));
}

#[test]
fn branches_that_share_many_channels_come_out_right() {
    assert_means(&wide(7, 10, 6), 6);
    assert_means(&wide(8, 5, 7), 7);
}

/// Convolutions that read pictures of one size and padding, of which the first
/// are samples.
fn alike(height: usize, width: usize, seed: u64) -> Network {
    let numbers = &mut Numbers(seed);
    let mut around = |from, to| {
        Layer::Conv(Conv {
            padding: Padding::all(1),
            ..numbers.conv([3, 3], from, to)
        })
    };
    let layers = vec![
        around(3, 3),
        around(3, 3),
        around(3, 20),
        around(20, 3),
        around(3, 5),
        Layer::GlobalAveragePool,
        Layer::Softmax,
    ];
    Network {
        height,
        width,
        levels: Levels::UNIT,
        layers,
    }
}

#[test]
fn pictures_of_one_size_have_paddings_of_their_own() {
    assert_means(&alike(9, 8, 8), 8);
    assert_serves_images_in_turn(&alike(7, 10, 9));
}
