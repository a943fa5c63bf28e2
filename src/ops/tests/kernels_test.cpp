#include <set>

#include "ops/tests/support.hpp"

namespace sw {
namespace {

TEST(KernelTables, begin_with_the_reference_and_have_different_names) {
  std::set<std::string> names;
  for (const Kernels* table : available_kernels()) names.insert(table->isa);
  EXPECT_STREQ(available_kernels().front()->isa, "reference");
  EXPECT_EQ(names.size(), available_kernels().size());
}

TEST(KernelTables, are_found_by_name) {
  for (const Kernels* table : available_kernels()) EXPECT_EQ(find_kernels(table->isa), table);
  EXPECT_EQ(find_kernels("z80"), nullptr);
  EXPECT_EQ(find_kernels(""), nullptr);
}

TEST(KernelTables, serve_every_packing_with_a_form_of_activations) {
  for (const Packing packing : {Packing::f32, Packing::f16, Packing::bf16})
    EXPECT_TRUE(forms_for(packing).f32 && !forms_for(packing).q8);
  EXPECT_TRUE(forms_for(Packing::bf16_pairs).bf16);
  for (const Packing packing :
       {Packing::q4_0, Packing::q5_0, Packing::q8_0, Packing::q4_k, Packing::q5_k, Packing::q6_k, Packing::affine8})
    EXPECT_TRUE(forms_for(packing).q8 && !forms_for(packing).f32);
}

}  // namespace
}  // namespace sw
