#pragma once
#include <string>
#include <string_view>

#include "image/bitmap.h"

/// Images in terminals that can show them.
namespace e5v::app {

/// How a terminal takes images.
enum class ImageProtocol {
  none,
  kitty,  ///< the graphics protocol of kitty, which Ghostty, WezTerm and Konsole have, too
  sixel,  ///< DEC's, of xterm, foot, mlterm, Windows Terminal and others
};

/// Asks the terminal of this process what it can show, and waits for the answer for at most a fifth of a second. The
/// answer is `none` without a terminal, or if the process is in the background.
ImageProtocol ask_terminal();

/// What ask_terminal() sends: a query of kitty's protocol, and one of the terminal's attributes (DA1), which every
/// terminal answers.
inline constexpr std::string_view kTerminalQuestion = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[c";
/// What a terminal's answer to that means.
ImageProtocol protocol_of_answer(std::string_view answer);
/// Whether the answer is whole: the attributes come last.
bool is_whole_answer(std::string_view answer);

/// The image in the escape sequences of a protocol, `rows` lines high where the protocol knows lines, and an end of
/// line; nothing for none.
std::string image_sequence(const image::Bitmap& bitmap, ImageProtocol protocol, int rows);

}  // namespace e5v::app
