internal import ApusABI
internal import ApusCollections
internal import ApusFormat
internal import ApusLocks

/// The trampolines of one module, which go with it.
///
/// Those that its instances will most likely need lie behind its own code. The others are made when
/// they are first needed: most are never.
final class ModuleTrampolines: Sendable {
    /// What a trampoline is for.
    enum Use: Int, Sendable {
        /// The host calls a function of the module.
        case entry
        /// The module calls a function of the host.
        case host
    }

    /// A trampoline: its use, the index of the function's type, and the layout of arguments.
    struct Key: Sendable {
        let use: Use
        let type: Int
        let layout: ArgumentLayout

        init(_ use: Use, _ type: UInt32, _ layout: ArgumentLayout) {
            self.use = use
            self.type = Int(type)
            self.layout = layout
        }
    }

    private struct Late: Sendable {
        var addresses = Addresses()
        var blocks: [CodeBlock] = []
    }

    /// As many are made before anybody asks.
    private static var earlyLimit: Int { 128 }

    private let types: [FunctionType]
    private let maker: TrampolineCache
    private let early: Addresses
    private let late = SystemMutex(Late())
    /// Where the early ones lie if there was no room for them behind the module's code.
    private let block: CodeBlock?
    /// What is made of those that lie behind the module's code.
    private let announcement: (any CodeAnnouncement)?

    /// Makes the early trampolines of `module`, whose function types are `types`, behind the code
    /// of `image` if that can be written, and is `staying` as long as the module.
    init(
        _ module: DecodedModule, _ types: [FunctionType], behind image: inout LinkedImage,
        staying: Bool, _ maker: TrampolineCache
    ) throws(ResourceError) {
        self.types = types
        self.maker = maker
        let keys = Self.earlyKeys(module, types)
        let kinds = Self.kinds(keys, types)
        let (bytes, offsets) = maker.code(kinds)
        let start = (image.codeBytes + 15) & ~15
        let isBehind =
            staying && !image.code.isExecutable && bytes.count <= image.code.capacity - start
        var base = image.code.base &+ UInt(start)
        if isBehind {
            image.code.write(bytes.span, at: start)
            block = nil
            announcement = maker.announce(kinds, offsets, byteCount: bytes.count, at: base)
        } else {
            let own = try maker.block(kinds, bytes, offsets)
            base = own.base
            block = own
            announcement = nil
        }
        early = Self.addresses(keys, offsets, from: base, types)
    }

    /// Makes the early trampolines of `module`, whose function types are `types`, in memory of
    /// their own.
    init(
        _ module: DecodedModule, _ types: [FunctionType], _ maker: TrampolineCache
    ) throws(ResourceError) {
        self.types = types
        self.maker = maker
        let keys = Self.earlyKeys(module, types)
        let kinds = Self.kinds(keys, types)
        let (bytes, offsets) = maker.code(kinds)
        let own = try maker.block(kinds, bytes, offsets)
        block = own
        announcement = nil
        early = Self.addresses(keys, offsets, from: own.base, types)
    }

    private static func addresses(
        _ keys: [Key], _ offsets: [Int], from base: UInt, _ types: [FunctionType]
    ) -> Addresses {
        var addresses = Addresses()
        for (key, offset) in zip(keys, offsets) {
            addresses.set(key, base &+ UInt(offset), typeCount: types.count)
        }
        return addresses
    }

    /// Entries for what the module exports and starts with, host trampolines for what it imports.
    private static func earlyKeys(_ module: DecodedModule, _ types: [FunctionType]) -> [Key] {
        var keys: [Key] = []
        var seen = Addresses()
        func add(_ use: Use, _ type: UInt32) {
            for layout in layouts(types[Int(type)]) where keys.count < earlyLimit {
                let key = Key(use, type, layout)
                if seen[key] != 0 { continue }
                seen.set(key, 1, typeCount: types.count)
                keys.append(key)
            }
        }
        if let start = module.start { add(.entry, module.functions[Int(start)]) }
        for export in module.exports {
            guard case .function(let index) = export.item else { continue }
            add(.entry, module.functions[Int(index)])
        }
        for index in 0..<module.importedFunctionCount { add(.host, module.functions[index]) }
        return keys
    }

    /// The different layouts that `type` can be called with.
    private static func layouts(_ type: FunctionType) -> [ArgumentLayout] {
        let packed = ArgumentLayout.packed
        return packed.fits(type) && packed.simplified(for: type) == packed
            ? [.cells, .packed] : [.cells]
    }

    private static func kinds(_ keys: [Key], _ types: [FunctionType]) -> [TrampolineKind] {
        keys.map { key in
            switch key.use {
            case .entry: .entry(types[key.type], key.layout)
            case .host: .host(types[key.type], key.layout)
            }
        }
    }

    // MARK: Finding

    /// The address of a trampoline, whose layout must fit its type.
    func address(_ key: Key) throws(ResourceError) -> UInt {
        let key = simplified(key)
        let known = early[key]
        if known != 0 { return known }
        return try late.withLock { late throws(ResourceError) in
            if late.addresses[key] == 0 { try make([key], &late) }
            return late.addresses[key]
        }
    }

    /// Makes at once, in one piece of executable memory, all that are missing.
    func prepare(_ keys: [Key]) throws(ResourceError) {
        let missing = keys.map(simplified).filter { early[$0] == 0 }
        if missing.isEmpty { return }
        try late.withLock { late throws(ResourceError) in try make(missing, &late) }
    }

    private func simplified(_ key: Key) -> Key {
        Key(key.use, UInt32(key.type), key.layout.simplified(for: types[key.type]))
    }

    private func make(_ keys: [Key], _ late: inout Late) throws(ResourceError) {
        var missing: [Key] = []
        var seen = Addresses()
        for key in keys where late.addresses[key] == 0 && seen[key] == 0 {
            seen.set(key, 1, typeCount: types.count)
            missing.append(key)
        }
        if missing.isEmpty { return }
        let kinds = Self.kinds(missing, types)
        let (bytes, offsets) = maker.code(kinds)
        let block = try maker.block(kinds, bytes, offsets)
        late.blocks.append(block)
        for (key, offset) in zip(missing, offsets) {
            late.addresses.set(key, block.base &+ UInt(offset), typeCount: types.count)
        }
    }
}

/// Addresses of a module's trampolines; 0: there is none.
private struct Addresses: Sendable {
    /// By use and layout: one for each type of the module, or nothing.
    private var lists: [[UInt]] = [[], [], [], []]

    private static func list(_ key: ModuleTrampolines.Key) -> Int {
        key.use.rawValue * 2 + (key.layout == .packed ? 1 : 0)
    }

    subscript(key: ModuleTrampolines.Key) -> UInt {
        let list = lists[Self.list(key)]
        return list.isEmpty ? 0 : list[key.type]
    }

    mutating func set(_ key: ModuleTrampolines.Key, _ address: UInt, typeCount: Int) {
        let list = Self.list(key)
        if lists[list].isEmpty { lists[list] = Array(repeating: 0, count: typeCount) }
        lists[list][key.type] = address
    }
}
