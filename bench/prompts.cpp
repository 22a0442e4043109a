#include "workloads.h"

namespace e5v::bench {

Workload prompts(BenchModel& model) {
  std::vector<Input> inputs;
  for (const char* question : {"Summary above image in one word: ", "Describe this image in one word: ",
                               "What is the color of this image in one word: ", "Where is this in one word: ",
                               "Who is in this image in one word: ", "What is the weather in one word: ",
                               "What is the style of this picture in one word: ", "What is missing in one word: "}) {
    inputs.push_back(Input::from_image(photo()));
    inputs.back().prompt = std::string("<|start_header_id|>user<|end_header_id|>\n\n<image>\n") + question +
                           "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n \n";
  }
  return {"prompts", "vectors", static_cast<double>(inputs.size()), model.flops(inputs),
          [&model, inputs] { model.embed(inputs); }};
}

}  // namespace e5v::bench
