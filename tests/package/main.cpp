#include <e5v/e5v.h>

#include <cstdio>
#include <numeric>

int main(int, char** arguments) {
  auto embedder = e5v::Embedder::load(arguments[1]);
  auto result = embedder.embed(std::vector{e5v::Input::from_text(arguments[2]), e5v::Input::from_image(arguments[3])});
  auto text = result.row(0), image = result.row(1);
  std::printf("width %d\n", static_cast<int>(embedder.width()));
  std::printf("text  %.3f %.3f %.3f %.3f\n", text[0], text[1], text[2], text[3]);
  std::printf("image %.3f %.3f %.3f %.3f\n", image[0], image[1], image[2], image[3]);
  std::printf("cosine %.3f\n", std::inner_product(text.begin(), text.end(), image.begin(), 0.0));
}
