#include "model/shapes.hpp"

#include <algorithm>
#include <array>

namespace sw {
namespace {

using enum ModelShape::Vocabulary;

constexpr SpecialToken qwen2_specials[] = {
    {151643, "<|endoftext|>"},        {151644, "<|im_start|>"},       {151645, "<|im_end|>"},
    {151646, "<|object_ref_start|>"}, {151647, "<|object_ref_end|>"}, {151648, "<|box_start|>"},
    {151649, "<|box_end|>"},          {151650, "<|quad_start|>"},     {151651, "<|quad_end|>"},
    {151652, "<|vision_start|>"},     {151653, "<|vision_end|>"},     {151654, "<|vision_pad|>"},
    {151655, "<|image_pad|>"},        {151656, "<|video_pad|>"},      {151657, "<tool_call>"},
    {151658, "</tool_call>"},         {151659, "<|fim_prefix|>"},     {151660, "<|fim_middle|>"},
    {151661, "<|fim_suffix|>"},       {151662, "<|fim_pad|>"},        {151663, "<|repo_name|>"},
    {151664, "<|file_sep|>"},
};

constexpr SpecialToken llama3_specials[] = {
    {128000, "<|begin_of_text|>"},   {128001, "<|end_of_text|>"},   {128004, "<|finetune_right_pad_id|>"},
    {128006, "<|start_header_id|>"}, {128007, "<|end_header_id|>"}, {128008, "<|eom_id|>"},
    {128009, "<|eot_id|>"},          {128010, "<|python_tag|>"},
};

constexpr SpecialToken smollm2_specials[] = {
    {0, "<|endoftext|>"},   {1, "<|im_start|>"},    {2, "<|im_end|>"},        {3, "<repo_name>"},
    {4, "<reponame>"},      {5, "<file_sep>"},      {6, "<filename>"},        {7, "<gh_stars>"},
    {8, "<issue_start>"},   {9, "<issue_comment>"}, {10, "<issue_closed>"},   {11, "<jupyter_start>"},
    {12, "<jupyter_text>"}, {13, "<jupyter_code>"}, {14, "<jupyter_output>"}, {15, "<jupyter_script>"},
    {16, "<empty_output>"},
};

constexpr SpecialToken phi3_specials[] = {
    {0, "<unk>"},
    {1, "<s>"},
    {2, "</s>"},
    {32000, "<|endoftext|>"},
    {32001, "<|assistant|>"},
    {32002, "<|placeholder1|>"},
    {32003, "<|placeholder2|>"},
    {32004, "<|placeholder3|>"},
    {32005, "<|placeholder4|>"},
    {32006, "<|system|>"},
    {32007, "<|end|>"},
    {32008, "<|placeholder5|>"},
    {32009, "<|placeholder6|>"},
    {32010, "<|user|>"},
};

constexpr SpecialToken gemma_specials[] = {
    {0, "<pad>"},           {1, "<eos>"}, {2, "<bos>"}, {3, "<unk>"}, {4, "<mask>"}, {106, "<start_of_turn>"},
    {107, "<end_of_turn>"},
};

constexpr SpecialToken neox_specials[] = {{0, "<|endoftext|>"}, {1, "<|padding|>"}};

constexpr std::string_view chatml =
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";
constexpr std::string_view llama3_chat =
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}";
constexpr std::string_view phi3_chat =
    "{% for message in messages %}<|{{ message['role'] }}|>\n{{ message['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
constexpr std::string_view gemma_chat =
    "{{ bos_token }}{% for message in messages %}<start_of_turn>"
    "{{ 'model' if message['role'] == 'assistant' else message['role'] }}\n"
    "{{ message['content'] }}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}";

constexpr ModelShape qwen2(std::string_view name, std::string_view title, std::string_view config) {
  return {.name = name,
          .title = title,
          .config = config,
          .vocabulary = byte_bpe,
          .pre_tokenizer = "qwen2",
          .specials = qwen2_specials,
          .reserved = {},
          .reserved_begin = 0,
          .reserved_end = 0,
          .bytes_begin = 0,
          .bos = 151643,
          .eos = 151645,
          .add_bos = false,
          .add_space_prefix = false,
          .chat_template = chatml};
}

constexpr ModelShape gemma(std::string_view name, std::string_view title, std::string_view config) {
  return {.name = name,
          .title = title,
          .config = config,
          .vocabulary = sentencepiece,
          .pre_tokenizer = {},
          .specials = gemma_specials,
          .reserved = "<unused",
          .reserved_begin = 7,
          .reserved_end = 106,
          .bytes_begin = 217,
          .bos = 2,
          .eos = 1,
          .add_bos = true,
          .add_space_prefix = false,
          .chat_template = gemma_chat};
}

constexpr std::array shapes = {
    qwen2("qwen2.5-0.5b", "Qwen2.5 0.5B Instruct", R"({
      "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu", "hidden_size": 896, "intermediate_size": 4864,
      "max_position_embeddings": 32768, "max_window_layers": 21, "num_attention_heads": 14, "num_hidden_layers": 24,
      "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
      "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936})"),
    qwen2("qwen2.5-1.5b", "Qwen2.5 1.5B Instruct", R"({
      "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu", "hidden_size": 1536, "intermediate_size": 8960,
      "max_position_embeddings": 32768, "max_window_layers": 21, "num_attention_heads": 12, "num_hidden_layers": 28,
      "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
      "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936})"),
    qwen2("qwen2.5-3b", "Qwen2.5 3B Instruct", R"({
      "architectures": ["Qwen2ForCausalLM"], "hidden_act": "silu", "hidden_size": 2048, "intermediate_size": 11008,
      "max_position_embeddings": 32768, "max_window_layers": 70, "num_attention_heads": 16, "num_hidden_layers": 36,
      "num_key_value_heads": 2, "rms_norm_eps": 1e-06, "rope_theta": 1000000.0, "sliding_window": 32768,
      "tie_word_embeddings": true, "use_sliding_window": false, "vocab_size": 151936})"),
    ModelShape{.name = "phi-3-mini",
               .title = "Phi-3 mini 4k Instruct",
               .config = R"({
      "architectures": ["Phi3ForCausalLM"], "hidden_act": "silu", "hidden_size": 3072, "intermediate_size": 8192,
      "max_position_embeddings": 4096, "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 32,
      "original_max_position_embeddings": 4096, "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 10000.0,
      "sliding_window": 2047, "tie_word_embeddings": false, "vocab_size": 32064})",
               .vocabulary = sentencepiece,
               .pre_tokenizer = {},
               .specials = phi3_specials,
               .reserved = "<|reserved_",
               .reserved_begin = 32011,
               .reserved_end = 32064,
               .bytes_begin = 3,
               .bos = 1,
               .eos = 32000,
               .add_bos = true,
               .add_space_prefix = true,
               .chat_template = phi3_chat,
               .layout = {.fused_qkv = true, .fused_gate_up = true}},
    gemma("gemma-2b", "Gemma 2B Instruct", R"({
      "architectures": ["GemmaForCausalLM"], "head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 2048,
      "intermediate_size": 16384, "max_position_embeddings": 8192, "num_attention_heads": 8, "num_hidden_layers": 18,
      "num_key_value_heads": 1, "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "vocab_size": 256000})"),
    gemma("gemma-2-2b", "Gemma 2 2B Instruct", R"({
      "architectures": ["Gemma2ForCausalLM"], "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0,
      "head_dim": 256, "hidden_act": "gelu_pytorch_tanh", "hidden_size": 2304, "intermediate_size": 9216,
      "max_position_embeddings": 8192, "num_attention_heads": 8, "num_hidden_layers": 26, "num_key_value_heads": 4,
      "query_pre_attn_scalar": 256, "rms_norm_eps": 1e-06, "rope_theta": 10000.0, "sliding_window": 4096,
      "vocab_size": 256000})"),
    ModelShape{.name = "llama-3.2-1b",
               .title = "Llama 3.2 1B Instruct",
               .config = R"({
      "architectures": ["LlamaForCausalLM"], "head_dim": 64, "hidden_act": "silu", "hidden_size": 2048,
      "intermediate_size": 8192, "max_position_embeddings": 131072, "num_attention_heads": 32,
      "num_hidden_layers": 16, "num_key_value_heads": 8, "rms_norm_eps": 1e-05,
      "rope_scaling": {"factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                       "original_max_position_embeddings": 8192, "rope_type": "llama3"},
      "rope_theta": 500000.0, "tie_word_embeddings": true, "vocab_size": 128256})",
               .vocabulary = byte_bpe,
               .pre_tokenizer = "llama-bpe",
               .specials = llama3_specials,
               .reserved = "<|reserved_special_token_",
               .reserved_begin = 128000,
               .reserved_end = 128256,
               .bytes_begin = 0,
               .bos = 128000,
               .eos = 128009,
               .add_bos = true,
               .add_space_prefix = false,
               .chat_template = llama3_chat},
    ModelShape{.name = "mamba-2.8b",
               .title = "Mamba 2.8B",
               .config = R"({
      "architectures": ["MambaForCausalLM"], "conv_kernel": 4, "expand": 2, "hidden_size": 2560,
      "intermediate_size": 5120, "layer_norm_epsilon": 1e-05, "num_hidden_layers": 64, "state_size": 16,
      "time_step_rank": 160, "use_bias": false, "use_conv_bias": true, "vocab_size": 50280})",
               .vocabulary = byte_bpe,
               .pre_tokenizer = "gpt-2",
               .specials = neox_specials,
               .reserved = {},
               .reserved_begin = 0,
               .reserved_end = 0,
               .bytes_begin = 0,
               .bos = 0,
               .eos = 0,
               .add_bos = false,
               .add_space_prefix = false,
               .chat_template = {}},
    ModelShape{.name = "smollm2-135m",
               .title = "SmolLM2 135M Instruct",
               .config = R"({
      "architectures": ["LlamaForCausalLM"], "hidden_act": "silu", "hidden_size": 576, "intermediate_size": 1536,
      "max_position_embeddings": 8192, "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3,
      "rms_norm_eps": 1e-05, "rope_scaling": null, "rope_theta": 100000, "tie_word_embeddings": true,
      "vocab_size": 49152})",
               .vocabulary = byte_bpe,
               .pre_tokenizer = "smollm",
               .specials = smollm2_specials,
               .reserved = {},
               .reserved_begin = 0,
               .reserved_end = 0,
               .bytes_begin = 0,
               .bos = 1,
               .eos = 2,
               .add_bos = false,
               .add_space_prefix = false,
               .chat_template = chatml},
};

}  // namespace

std::span<const ModelShape> model_shapes() {
  return shapes;
}

const ModelShape* find_model_shape(std::string_view name) {
  const auto* it = std::ranges::find(shapes, name, &ModelShape::name);
  return it == shapes.end() ? nullptr : it;
}

}  // namespace sw
