internal import CApusC

// What the families of functions come to that `families.c` defines.

@c @implementation
public func apus_pointer_missing(_ caller: UnsafePointer<CChar>?, _ type: UnsafePointer<CChar>?) {
    // SAFETY: the families pass names that are constants.
    unsafe Misuse.stop(text(caller), "NULL instead of a \(text(type))")
}

@c @implementation
public func apus_handle_delete(
    _ it: UnsafeMutableRawPointer?, _ kinds: UInt32, _ caller: UnsafePointer<CChar>?
) {
    // SAFETY: the families pass pointers of theirs, whose marks `Handle` looks at, and names that
    // are constants.
    guard let it = unsafe it else { return }
    unsafe Handle.delete(OpaquePointer(it), kinds, text(caller))
}

@c @implementation
public func apus_handle_copy(
    _ it: UnsafeRawPointer?, _ kinds: UInt32, _ caller: UnsafePointer<CChar>?
) -> UnsafeMutableRawPointer? {
    // SAFETY: the families pass pointers of theirs, whose marks `Handle` looks at, and names that
    // are constants.
    guard let it = unsafe it else { return nil }
    return unsafe UnsafeMutableRawPointer(Handle.copy(OpaquePointer(it), kinds, text(caller)))
}

@c @implementation
public func apus_handle_cast(
    _ it: UnsafeRawPointer?, _ kinds: UInt32, _ wanted: UInt32, _ caller: UnsafePointer<CChar>?
) -> UnsafeMutableRawPointer? {
    // SAFETY: the families pass pointers of theirs, whose marks `Handle` looks at, and names that
    // are constants; what is answered is the same pointer.
    guard let it = unsafe it else { return nil }
    let kind = unsafe Handle.kind(OpaquePointer(it), kinds, text(caller))
    return unsafe kind & wanted != 0 ? UnsafeMutableRawPointer(mutating: it) : nil
}

@c @implementation
public func apus_reference_same(
    _ one: UnsafeRawPointer?, _ other: UnsafeRawPointer?, _ kinds: UInt32,
    _ caller: UnsafePointer<CChar>?
) -> Bool {
    // SAFETY: `referent` looks at both handles.
    guard let one = unsafe one, let other = unsafe other else {
        return unsafe one == nil && other == nil
    }
    return unsafe referent(one, kinds, caller).isSame(as: referent(other, kinds, caller))
}

@c @implementation
public func apus_reference_info(
    _ it: UnsafeRawPointer?, _ kinds: UInt32, _ caller: UnsafePointer<CChar>?
) -> UnsafeMutableRawPointer? {
    // SAFETY: `referent` looks at the handle; the pointer is the embedder's, and is only given
    // back.
    unsafe referent(it, kinds, caller).info?.pointer
}

@c @implementation
public func apus_reference_set_info(
    _ it: UnsafeRawPointer?, _ info: UnsafeMutableRawPointer?,
    _ finalizer: Finalizer?, _ kinds: UInt32, _ caller: UnsafePointer<CChar>?
) {
    // SAFETY: `referent` looks at the handle; `HostInfo` keeps what is the embedder's.
    let referent = unsafe referent(it, kinds, caller)
    unsafe referent.setInfo(HostInfo(info, finalizer))
}

// SAFETY: the families pass handles of theirs, which are looked at before they are used, and names
// that are constants.
private func referent(
    _ it: UnsafeRawPointer?, _ kinds: UInt32, _ caller: UnsafePointer<CChar>?
) -> Referent {
    let object = unsafe Handle.object(it.map { OpaquePointer($0) }, kinds, text(caller))
    return unsafe unsafeDowncast(object, to: Referent.self)
}

private func text(_ caller: UnsafePointer<CChar>?) -> String {
    // SAFETY: the name is a constant of C's, which ends with a zero, or NULL.
    unsafe caller.map { unsafe String(cString: $0) } ?? ""
}
