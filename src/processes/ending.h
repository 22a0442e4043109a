#pragma once
#include <functional>
#include <memory>
#include <string>

#include "processes/transport.h"

/// How one of many processes ends a run that has failed: with one message, whichever failed, and without waiting for
/// each other. All of this may be called at any time, in a process that is alone, too.
namespace e5v::processes {

/// True when this process is the one to tell the user: it is alone, or the error is its own. What befell all of them
/// (an error that agree() threw) is process 0's to tell. Before the group has been joined no process knows which others
/// fail, as all do on wrong usage: then a process waits for a moment, in which process 0's failure ends it, before it
/// is to tell.
bool tells_failure();

/// What leads its message: "process N: ", or nothing where it is alone, the message says it, or it is process 0 before
/// it has joined.
std::string failure_prefix();

/// Notes that process 0 knows what ends this run, and tells it.
void leave_telling_to_leader();

/// Ends all processes with this exit code; returns when there are none to end. A process that has nothing to tell gives
/// process 0 time for that.
void end_all(int code);

/// An error as bytes for another process: what `check` threw, or nothing when it threw none. What is not of
/// e5v/error.h counts as a DeviceError; what is no std::exception passes through.
std::string verdict_of(const std::function<void()>& check);

/// Throws that error, led by the process that found it. It is process 0's to tell.
[[noreturn]] void throw_verdict(const std::string& verdict, int process);

/// The engine is the process's, not a group's: it outlives an error, to end the others. None before Group::join().
std::unique_ptr<Transport>& engine();

}  // namespace e5v::processes
