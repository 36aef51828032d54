public import ApusABI
internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// Code of some of a module's functions, or all, in executable memory, with what is known of the
/// places in it. A module may have several; each comes and goes by itself.
///
/// Made from a `LinkedImage`. The last one to let go of it frees its memory: its module, for as
/// long as a function begins in it (`ModuleCode`), stores whose guests may be in it (`CodeGuests`),
/// and whoever else has it.
@safe
public final class CodeImage: @unchecked Sendable {
    // SAFETY: everything is set in init, before others see it, and never changed; the arenas are
    // read only.
    /// Address of the first byte of code.
    public let base: UInt
    /// Bytes of code.
    public let codeBytes: Int
    /// How others find this without keeping it.
    let reference = BackReference<CodeImage>()
    /// Who has made it; nil: it is not known of code that was made earlier.
    public let tier: CodeTier?
    /// What has been made of it by who is told of code.
    private let announcement = SystemMutex<(any CodeAnnouncement)?>(nil)
    /// Whether its code stores to elements of tables without calling the runtime.
    let writesTables: Bool
    /// Memory of its own, or pages that it shares.
    private let memory: CodeMemory?
    let chunk: CodeChunk?
    /// By their indices, and by `codeStart`.
    let functions: Arena<CompiledFunction>
    /// By `codeOffset`.
    let sites: CodeSites
    /// Of code that shares its pages, what changes with its place. Offsets count from the start.
    let relocations: Arena<CodeRelocation>

    /// Makes the code of `image` executable and announces it to the trap handler.
    init(_ image: consuming LinkedImage) throws(ResourceError) {
        try image.code.makeExecutable()
        base = image.code.base
        codeBytes = image.codeBytes
        tier = image.tier
        writesTables = image.writesTables
        // SAFETY: TrapSite and apus_trap_site have the same layout; the elements of the arena are
        // never changed, and stay where they are until deinit has withdrawn the range.
        let traps = unsafe image.sites.traps.span.withUnsafeBufferPointer {
            unsafe UnsafeRawPointer($0.baseAddress)?.assumingMemoryBound(to: apus_trap_site.self)
        }
        if image.codeBytes > 0 {
            let end = image.code.base &+ UInt(image.codeBytes)
            let isAdded = unsafe apus_code_range_add(
                image.code.base, end, traps, UInt64(image.sites.traps.count))
            guard isAdded != 0 else {
                throw ResourceError(.code, requested: UInt64(image.codeBytes))
            }
        }
        memory = .some(image.code)
        chunk = nil
        functions = image.functions
        relocations = Arena(capacity: 1)
        sites = image.sites
        reference.open(self)
    }

    /// The code of `piece`, which is linked, executable and announced at `base` in `chunk`.
    init(_ piece: consuming CodePiece, at base: UInt, in chunk: CodeChunk) {
        self.base = base
        codeBytes = piece.codeBytes
        tier = piece.tier
        writesTables = piece.writesTables
        memory = nil
        self.chunk = chunk
        functions = piece.functions
        sites = piece.sites
        relocations = piece.relocations
        reference.open(self)
        chunk.complete(self)
    }

    deinit {
        reference.close()
        if let chunk { return chunk.remove(base) }
        CodeRegistry.shared.remove(base: base)
        if codeBytes > 0 { apus_code_range_remove(base) }
    }

    /// Tells who is told of code, if anybody is, that `module` has it.
    func announce(of module: LoadedModule) {
        guard let observer = module.environment.codeObserver else { return }
        let made = observer.codeAppeared(self, of: module)
        announcement.withLock { $0 = made }
    }

    /// Adds the code, and what is known of it, to `writer`, as piece number `image`.
    func add(to writer: inout ArtifactWriter, as image: UInt32 = 0) {
        writer.add(.functions, functions, image: image)
        writer.add(.traps, sites.traps, image: image)
        writer.add(.calls, sites.calls, image: image)
        writer.add(.handlerLists, sites.handlerLists, image: image)
        writer.add(.handlers, sites.handlers, image: image)
        writer.add(.inlined, sites.inlined, image: image)
        // SAFETY: that many bytes of code are there, readable, as long as this object is.
        let code = unsafe UnsafeBufferPointer(
            start: UnsafePointer<UInt8>(bitPattern: base), count: codeBytes)
        unsafe writer.add(
            .code, Span(_unsafeElements: code), image: image, value: writesTables ? 1 : 0)
    }

    // SAFETY: that many bytes of code are there, readable, as long as this object is.
    /// The code.
    var bytes: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            let start = unsafe UnsafePointer<UInt8>(bitPattern: base).unsafelyUnwrapped
            return unsafe _overrideLifetime(
                Span(_unsafeStart: start, count: codeBytes), borrowing: self)
        }
    }

    /// Whether its code includes `address`, which may be one past its last instruction.
    func covers(_ address: UInt) -> Bool { address &- base <= UInt(codeBytes) }

    /// A copy of the code at these offsets.
    public func code(at range: Range<Int>) -> [UInt8] {
        let bytes = bytes
        return range.map { bytes[$0] }
    }

    /// Whether it is made for debuggers (`ModuleEnvironment.isDebuggable`).
    public var isDebuggable: Bool { sites.instructions.count > 0 }

    /// The functions that it has code of; it belongs to `module`.
    public func descriptors(in module: LoadedModule) -> FunctionDescriptors {
        FunctionDescriptors(self, module.module)
    }

    /// How many bytes that takes besides the code.
    var recordBytes: Int {
        functions.byteCount + sites.traps.byteCount + sites.calls.byteCount
            + sites.handlerLists.byteCount + sites.handlers.byteCount
            + sites.inlined.byteCount
    }

    /// How many calls have the callee's body in their place, and places of it that say so.
    public var inlinedCount: Int { sites.inlined.count }

    /// How many functions it has code of.
    public var functionCount: Int { functions.count }

    /// Address of the code of function `index`, in the module's function index space; nil if it is
    /// not here.
    public func address(ofFunction index: Int) -> UInt? {
        let position = functions.partitioningIndex { Int($0.index) >= index }
        guard position < functions.count, Int(functions[position].index) == index else {
            return nil
        }
        return base &+ UInt(functions[position].codeStart)
    }

    /// Address of the code of the `position`-th function that is here.
    func address(at position: Int) -> UInt { base &+ UInt(functions[position].codeStart) }
}
