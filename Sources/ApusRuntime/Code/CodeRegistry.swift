internal import Synchronization

/// Which module the code at an address belongs to, in the whole process.
@safe
public final class CodeRegistry: Sendable {
    // SAFETY: a module removes itself in its deinit, before its memory goes. An address on a
    // stack belongs to a module that an instance of a live store holds, so that the module found
    // for it is alive.
    @safe private struct Entry: @unchecked Sendable {
        var start: UInt
        var end: UInt
        var module: Unmanaged<LoadedModule>
    }

    /// The one registry: signals are the process's too.
    public static let shared = CodeRegistry()

    /// Ascending by start.
    private let entries = Mutex<[Entry]>([])

    private init() {}

    /// The module whose code includes `address`, which must be on a live wasm stack.
    public func module(at address: UInt) -> LoadedModule? {
        entries.withLock { entries in
            let position = Self.position(of: address, in: entries)
            guard position > 0 else { return nil }
            let entry = entries[position - 1]
            // A return address may be one past the last instruction.
            guard address <= entry.end else { return nil }
            return unsafe entry.module.takeUnretainedValue()
        }
    }

    func add(_ module: LoadedModule) {
        let entry = unsafe Entry(
            start: module.imageBase, end: module.imageBase &+ UInt(module.codeBytes),
            module: Unmanaged.passUnretained(module))
        entries.withLock { entries in
            entries.insert(entry, at: Self.position(of: entry.start, in: entries))
        }
    }

    func remove(base: UInt) {
        entries.withLock { entries in
            let position = Self.position(of: base, in: entries)
            if position > 0, entries[position - 1].start == base {
                entries.remove(at: position - 1)
            }
        }
    }

    /// How many entries start at or before `address`.
    private static func position(of address: UInt, in entries: [Entry]) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = low + (high - low) / 2
            if entries[middle].start > address { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
