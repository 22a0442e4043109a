#pragma once
#include <functional>
#include <memory>
#include <string>

#include "processes/transport.h"

/// The end of a failed run of several processes: it has a single message, whichever process failed, and no process
/// waits for another. All functions may be called at any time, also in a single process.
namespace e5v::processes {

/// Returns whether this process must print the error: it is the only process, or the error is its own. Errors of all
/// processes (which agree() throws) are printed by process 0. Before a process joins the group, it does not know
/// whether the others fail, too, as with wrong usage. Then it first waits for a moment, in which the failure of process
/// 0 ends it.
bool tells_failure();

/// Returns the prefix of the message: "process N: ", or nothing in a single process, if the message already has it, or
/// in process 0 before it has joined.
std::string failure_prefix();

/// Notes that process 0 knows the error of this run and prints it.
void leave_telling_to_leader();

/// Ends all processes with this exit code; returns when there are none to end. A process that does not print an error
/// first gives process 0 time to print it.
void end_all(int code);

/// An error as bytes for another process: what `check` threw, or nothing when it threw none. What is not of e5v/error.h
/// counts as a DeviceError; what is no std::exception passes through.
std::string verdict_of(const std::function<void()>& check);

/// Throws that error with the prefix of the process that found it. Process 0 prints it.
[[noreturn]] void throw_verdict(const std::string& verdict, int process);

/// The engine is the process's, not a group's: it outlives an error, to end the others. None before Group::join().
std::unique_ptr<Transport>& engine();

}  // namespace e5v::processes
