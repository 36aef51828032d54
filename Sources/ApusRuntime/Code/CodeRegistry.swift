internal import Synchronization

/// Which module the code at an address belongs to, in the whole process.
public final class CodeRegistry: Sendable {
    private struct Entry {
        var start: UInt
        var end: UInt
        var reference: Reference
    }

    /// A module that may be going. Addresses on a stack belong to modules that live, but what is
    /// taken for one while a tail call rearranges its frame may be anything.
    private final class Reference: Sendable {
        weak let module: LoadedModule?

        init(_ module: LoadedModule) { self.module = module }
    }

    /// The one registry: signals are the process's too.
    public static let shared = CodeRegistry()

    /// Ascending by start.
    private let entries = Mutex<[Entry]>([])

    private init() {}

    /// The module whose code includes `address`; nil if there is none, or if it is going.
    public func module(at address: UInt) -> LoadedModule? {
        entries.withLock { entries in
            let position = Self.position(of: address, in: entries)
            guard position > 0 else { return nil }
            let entry = entries[position - 1]
            // A return address may be one past the last instruction.
            guard address <= entry.end else { return nil }
            return entry.reference.module
        }
    }

    func add(_ module: LoadedModule) {
        let entry = Entry(
            start: module.imageBase, end: module.imageBase &+ UInt(module.codeBytes),
            reference: Reference(module))
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
