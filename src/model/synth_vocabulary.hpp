#pragma once

#include "formats/metadata.hpp"
#include "model/shapes.hpp"

namespace sw {

/// A working tokenizer of `vocab` tokens as "tokenizer.*" keys: every byte, common English words piece by piece, the
/// published special tokens under their published ids, and made-up words for the rest.
void write_synth_vocabulary(const ModelShape& shape, int vocab, Metadata& metadata);

}  // namespace sw
