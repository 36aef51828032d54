internal import CApusC

// SAFETY: pointers to handles are made by `make` only. `object` is kept by the handle from then on
// until `delete` or `take`, which change the mark first; and nothing of a handle is believed before
// its mark was looked at. A pointer that is no handle's is the embedder's fault, who has been told
// of it as far as it could be seen.
/// What the API's opaque pointers point to: a mark that says what it is, and the object.
///
/// Each owner has a handle of its own, so one that was given up is told from others of the same
/// object. It lies in memory of its own; in builds for debugging that is not used again for a long
/// time (`Quarantine`), so that whoever uses it afterwards is found out.
@unsafe struct Handle {
    private var mark: UInt64
    private var object: Unmanaged<AnyObject>

    private static var inUse: UInt64 { 0x4150_5553_0000_0000 }
    private static var givenUp: UInt64 { 0x6170_7573_0000_0000 }
    private static var signature: UInt64 { 0xFFFF_FFFF_0000_0000 }

    /// A handle of the caller's for `object`.
    static func make(_ object: some HandleObject) -> OpaquePointer {
        // SAFETY: the object is of the class whose kind the handle gets.
        unsafe make(object, kind: type(of: object).kind)
    }

    private static func make(_ object: AnyObject, kind: UInt32) -> OpaquePointer {
        // SAFETY: the allocation has room for one handle, which keeps the object from here on.
        let handle = UnsafeMutablePointer<Handle>.allocate(capacity: 1)
        unsafe handle.initialize(
            to: Handle(mark: inUse | UInt64(kind), object: .passRetained(object)))
        return OpaquePointer(handle)
    }

    /// A handle for `object`, and NULL for none.
    static func make(optional object: (some HandleObject)?) -> OpaquePointer? {
        // SAFETY: as for an object that there is.
        unsafe object.map { unsafe make($0) }
    }

    /// Does `body` with a handle for `object` that is given up afterwards.
    static func lend<Object: HandleObject, Result>(
        _ object: Object, _ body: (OpaquePointer) -> Result
    ) -> Result {
        // SAFETY: the object is kept until `body` is done, and whoever uses the handle afterwards
        // finds another mark, or in a build for release what has come in its place.
        #if DEBUG
            let handle = unsafe make(object)
            defer { unsafe delete(handle, Object.kind, #function) }
            return unsafe body(handle)
        #else
            return withExtendedLifetime(object) {
                var handle = unsafe Handle(
                    mark: inUse | UInt64(Object.kind), object: .passUnretained(object))
                return unsafe withUnsafeMutablePointer(to: &handle) { handle in
                    defer { unsafe handle.pointee.mark = givenUp | UInt64(Object.kind) }
                    return unsafe body(OpaquePointer(handle))
                }
            }
        #endif
    }

    /// The object behind `pointer`, which must be a handle of its kind.
    static func borrow<Object: HandleObject>(
        _ pointer: OpaquePointer?, as type: Object.Type = Object.self,
        _ caller: StaticString = #function
    ) -> Object {
        // SAFETY: `check` has found a handle that is in use, so the object is kept, and of the
        // class whose kind the mark has.
        let handle = unsafe check(pointer, type.kind, caller)
        return unsafe unsafeDowncast(handle.pointee.object.takeUnretainedValue(), to: type)
    }

    /// Does `body` with the object behind `pointer`, without counting references.
    @inline(__always)
    static func with<Object: HandleObject, Result>(
        _ pointer: OpaquePointer?, as type: Object.Type, _ caller: StaticString = #function,
        _ body: (Object) -> Result
    ) -> Result {
        // SAFETY: `check` has found a handle that is in use, so the object is kept, and of the
        // class whose kind the mark has; the caller of the API gives up no handle that a call of
        // its own has.
        let handle = unsafe check(pointer, type.kind, caller)
        return unsafe handle.pointee.object._withUnsafeGuaranteedRef {
            body(unsafe unsafeDowncast($0, to: type))
        }
    }

    /// What the reference `pointer` refers to; nil for NULL.
    static func reference(
        _ pointer: OpaquePointer?, kinds: UInt32 = apus_kind_ref.rawValue,
        _ caller: StaticString = #function
    ) -> Referent? {
        // SAFETY: `check` has found a handle that is in use, so the object is kept; all kinds of
        // references are of `Referent`'s subclasses.
        guard unsafe pointer != nil else { return nil }
        let handle = unsafe check(pointer, kinds, caller)
        return unsafe unsafeDowncast(
            handle.pointee.object.takeUnretainedValue(), to: Referent.self)
    }

    /// The object behind `pointer`, which is given up.
    static func take<Object: HandleObject>(
        _ pointer: OpaquePointer?, as type: Object.Type = Object.self,
        _ caller: StaticString = #function
    ) -> Object {
        // SAFETY: `check` has found a handle that is in use, and of the class whose kind the mark
        // has; `giveUp` answers what the handle has kept.
        let handle = unsafe check(pointer, type.kind, caller)
        return unsafe unsafeDowncast(giveUp(handle), to: type)
    }

    // MARK: By kinds

    /// The kind of `pointer`, which must be one of `kinds`.
    static func kind(_ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: String) -> UInt32 {
        // SAFETY: `check` has found a handle that is in use.
        unsafe kind(of: check(pointer, kinds) { caller })
    }

    /// The object behind `pointer`, whose kind must be one of `kinds`.
    static func object(
        _ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: String
    ) -> AnyObject {
        // SAFETY: `check` has found a handle that is in use, so the object is kept.
        unsafe check(pointer, kinds) { caller }.pointee.object.takeUnretainedValue()
    }

    /// One more handle for the same object.
    static func copy(_ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: String) -> OpaquePointer
    {
        // SAFETY: `check` has found a handle that is in use, so the object is kept; the new handle
        // keeps it for itself.
        let handle = unsafe check(pointer, kinds) { caller }
        return unsafe make(handle.pointee.object.takeUnretainedValue(), kind: kind(of: handle))
    }

    /// Another handle instead of `pointer`, which is given up.
    static func move(_ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: String) -> OpaquePointer
    {
        // SAFETY: `copy` and `delete` both look at the pointer.
        let moved = unsafe copy(pointer, kinds, caller)
        unsafe delete(pointer, kinds, caller)
        return unsafe moved
    }

    /// Gives `pointer` up.
    static func delete(_ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: String) {
        // SAFETY: `check` has found a handle that is in use.
        _ = unsafe giveUp(check(pointer, kinds) { caller })
    }

    private static func giveUp(_ handle: UnsafeMutablePointer<Handle>) -> AnyObject {
        // SAFETY: callers have checked the handle, which keeps the object until here; nobody
        // believes it any more once its mark has changed.
        let object = unsafe handle.pointee.object.takeRetainedValue()
        unsafe handle.pointee.mark = givenUp | UInt64(kind(of: handle))
        unsafe Quarantine.take(handle)
        return object
    }

    private static func kind(of handle: UnsafeMutablePointer<Handle>) -> UInt32 {
        // SAFETY: callers have checked the handle, or have just made it.
        UInt32(truncatingIfNeeded: unsafe handle.pointee.mark)
    }

    // MARK: Checks

    @inline(__always)
    private static func check(
        _ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: StaticString
    ) -> UnsafeMutablePointer<Handle> {
        // SAFETY: nothing is believed of the pointer yet.
        unsafe check(pointer, kinds) { Misuse.name(caller) }
    }

    @inline(__always)
    private static func check(
        _ pointer: OpaquePointer?, _ kinds: UInt32, _ caller: () -> String
    ) -> UnsafeMutablePointer<Handle> {
        // SAFETY: a pointer that is not NULL is a handle's, as the headers ask of the caller; its
        // mark is read first, and tells what is none, and, as long as `Quarantine` has it, one that
        // was given up.
        if let pointer = unsafe pointer {
            let handle = unsafe UnsafeMutablePointer<Handle>(pointer)
            let mark = unsafe handle.pointee.mark
            if unsafe mark & signature == inUse, mark & UInt64(kinds) != 0 { return unsafe handle }
            unsafe refuse(mark, kinds, caller())
        }
        Misuse.stop(caller(), "NULL instead of a \(Kinds.name(kinds))")
    }

    private static func refuse(_ mark: UInt64, _ kinds: UInt32, _ caller: String) -> Never {
        let kind = Kinds.name(UInt32(truncatingIfNeeded: mark))
        // SAFETY: only numbers are compared; they are members of an unsafe type.
        switch unsafe mark & signature {
        case unsafe inUse: Misuse.stop(caller, "a \(kind) instead of a \(Kinds.name(kinds))")
        case unsafe givenUp: Misuse.stop(caller, "a \(kind) that was deleted or given away before")
        default:
            Misuse.stop(
                caller, "no \(Kinds.name(kinds)), or one that was deleted or given away before")
        }
    }
}

/// An object that handles can be for.
protocol HandleObject: AnyObject {
    /// One of `apus_kind_…`.
    static var kind: UInt32 { get }
}
