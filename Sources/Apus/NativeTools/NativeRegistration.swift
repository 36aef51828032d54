internal import ApusCollections
internal import ApusRuntime
internal import CApusHost

/// What debuggers and unwinders know of some code, which goes with it.
@safe
final class NativeRegistration: CodeAnnouncement {
    // SAFETY: both are owned by this object, which never changes them, and gives them back once.
    private nonisolated(unsafe) let object: OpaquePointer?
    private nonisolated(unsafe) let frames: OpaquePointer?

    /// Registers an object file and a section of frames, as far as they are given.
    init(object: [UInt8]?, frames: [UInt8]?) {
        // SAFETY: both copy the bytes, which the arrays lend for the call; what they return is this
        // object's.
        unsafe self.object = object.flatMap { object in
            unsafe object.withUnsafeBufferPointer { bytes in
                unsafe apus_debugger_add(bytes.baseAddress, UInt64(bytes.count))
            }
        }
        unsafe self.frames = frames.flatMap { frames in
            unsafe frames.withUnsafeBufferPointer { bytes in
                unsafe apus_frames_add(bytes.baseAddress, UInt64(bytes.count))
            }
        }
    }

    deinit {
        // SAFETY: what `init` was given is given back here and nowhere else.
        if let object = unsafe object { unsafe apus_debugger_remove(object) }
        if let frames = unsafe frames { unsafe apus_frames_remove(frames) }
    }
}
