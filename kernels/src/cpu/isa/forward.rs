//! What an instruction set that extends another leaves to it.

/// Every method of [`Isa`](super::Isa) but those that extensions are made for,
/// as `self.base` has it: what follows computes with `self.base`'s vectors.
macro_rules! forward_to_base {
    () => {
        #[inline(always)]
        fn prefetch<T>(self, values: &T) {
            self.base.prefetch(values);
        }

        #[inline(always)]
        fn splat(self, value: f32) -> Self::F32 {
            self.base.splat(value)
        }

        #[inline(always)]
        fn load(self, values: &$crate::cpu::isa::Lanes) -> Self::F32 {
            self.base.load(values)
        }

        #[inline(always)]
        fn store(self, values: Self::F32, out: &mut $crate::cpu::isa::Lanes) {
            self.base.store(values, out);
        }

        #[inline(always)]
        fn add(self, a: Self::F32, b: Self::F32) -> Self::F32 {
            self.base.add(a, b)
        }

        #[inline(always)]
        fn mul(self, a: Self::F32, b: Self::F32) -> Self::F32 {
            self.base.mul(a, b)
        }

        #[inline(always)]
        fn mul_add(self, a: Self::F32, b: Self::F32, c: Self::F32) -> Self::F32 {
            self.base.mul_add(a, b, c)
        }

        #[inline(always)]
        fn min(self, a: Self::F32, b: Self::F32) -> Self::F32 {
            self.base.min(a, b)
        }

        #[inline(always)]
        fn max(self, a: Self::F32, b: Self::F32) -> Self::F32 {
            self.base.max(a, b)
        }

        #[inline(always)]
        fn store_halves(self, values: Self::F32, out: &mut $crate::cpu::isa::HalfLanes) {
            self.base.store_halves(values, out);
        }

        #[inline(always)]
        fn store_digits(
            self,
            values: Self::F32,
            low: &mut $crate::cpu::isa::DigitLanes,
            high: &mut $crate::cpu::isa::DigitLanes,
        ) {
            self.base.store_digits(values, low, high);
        }

        #[inline(always)]
        fn splat_pair(self, word: i32) -> Self::I32 {
            self.base.splat_pair(word)
        }

        #[inline(always)]
        fn load_pairs(self, words: &$crate::cpu::isa::PairLanes) -> Self::I32 {
            self.base.load_pairs(words)
        }

        #[inline(always)]
        fn join_digit_sums(self, sums: [Self::I32; 4]) -> Self::I32 {
            self.base.join_digit_sums(sums)
        }

        #[inline(always)]
        fn to_floats(self, values: Self::I32) -> Self::F32 {
            self.base.to_floats(values)
        }
    };
}

pub(super) use forward_to_base;
