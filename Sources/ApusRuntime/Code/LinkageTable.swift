internal import CApusHost

/// The table of code pointers of a module whose functions can be replaced: for each function that
/// it defines where its code is now, and a stub that goes on there.
///
/// Function references, imports, exports and calls from other images name the stub, which stays the
/// same for the module's life. What is replaced is the pointer, which is data: no code is ever
/// written to.
@safe
final class LinkageTable: Sendable {
    // SAFETY: `start` is a mapping of `2 * halfBytes` bytes that this object owns: stubs of
    // `count` functions, executable, and then as many pointers, writable, which are read and
    // written as one, by any thread.
    private nonisolated(unsafe) let start: UnsafeMutableRawPointer
    private let halfBytes: UInt64
    let count: Int

    /// Bytes of a stub and of a pointer: so all stubs are the same.
    static var entryBytes: Int { 8 }

    /// A table for `count` functions, none of which has code yet.
    init(count: Int, _ trampolines: TrampolineCache) throws(ResourceError) {
        let page = apus_page_bytes()
        let used = max(UInt64(count * Self.entryBytes), 1)
        halfBytes = (used + page - 1) / page * page
        self.count = count
        guard let start = unsafe apus_reserve(2 * halfBytes) else {
            throw ResourceError(.code, requested: 2 * halfBytes)
        }
        unsafe self.start = start
        let error = unsafe apus_protect(start, 2 * halfBytes, apus_access_write)
        guard error == 0 else {
            throw ResourceError(.code, requested: 2 * halfBytes, errorNumber: error)
        }
        let distance = Int32(truncatingIfNeeded: halfBytes)
        let (stub, _) = trampolines.code([.linkage(distance: distance)])
        precondition(stub.count <= Self.entryBytes)
        for index in 0..<count {
            for (offset, byte) in stub.enumerated() {
                unsafe start.storeBytes(
                    of: byte, toByteOffset: index * Self.entryBytes + offset, as: UInt8.self)
            }
        }
        let refused = unsafe apus_protect(start, halfBytes, apus_access_execute)
        guard refused == 0 else {
            throw ResourceError(.code, requested: halfBytes, errorNumber: refused)
        }
    }

    deinit { unsafe apus_unmap(start, 2 * halfBytes) }

    /// Address of the first stub.
    var base: UInt { UInt(bitPattern: unsafe start) }

    /// Address of the stub of the `position`-th function that the module defines.
    func stub(_ position: Int) -> UInt {
        precondition(position >= 0 && position < count)
        return base &+ UInt(position * Self.entryBytes)
    }

    /// Where the code of that function is; 0: nowhere yet.
    subscript(position: Int) -> UInt {
        get { unsafe apus_code_pointer(pointer(position)) }
        set { unsafe apus_code_pointer_set(pointer(position), newValue) }
    }

    private func pointer(_ position: Int) -> UnsafeMutablePointer<UInt> {
        precondition(position >= 0 && position < count)
        let offset = Int(halfBytes) + position * Self.entryBytes
        return unsafe (start + offset).assumingMemoryBound(to: UInt.self)
    }
}
