internal import ApusCollections
internal import ApusLocks

/// Which image the code at an address belongs to, and to which module that, in the whole process.
public final class CodeRegistry: Sendable {
    private struct Entry {
        var start: UInt
        var end: UInt
        var code: Code
    }

    /// What may be going. Addresses on a stack belong to images that live, but what is taken for
    /// one while a tail call rearranges its frame may be anything.
    private enum Code {
        case image(BackReference<CodeImage>, BackReference<LoadedModule>)
        case chunk(BackReference<CodeChunk>)
    }

    /// The one registry: signals are the process's too.
    public static let shared = CodeRegistry()

    /// Ascending by start.
    private let entries = SystemMutex<[Entry]>([])

    private init() {}

    /// The image whose code includes `address`, and its module; nil if there is none, or if one of
    /// them is going.
    public func code(at address: UInt) -> (image: CodeImage, module: LoadedModule)? {
        // What goes with the last one who has it goes outside of the lock.
        let found = entries.withLock { entries -> Code? in
            let position = entries.partitioningIndex { $0.start > address }
            guard position > 0 else { return nil }
            let entry = entries[position - 1]
            // A return address may be one past the last instruction.
            guard address <= entry.end else { return nil }
            return entry.code
        }
        switch found {
        case .chunk(let chunk):
            return chunk.object?.code(at: address)
        case .image(let image, let module):
            guard let image = image.object, let module = module.object else { return nil }
            return (image, module)
        case nil:
            return nil
        }
    }

    func add(_ image: CodeImage, of module: LoadedModule) {
        add(
            Entry(
                start: image.base, end: image.base &+ UInt(image.codeBytes),
                code: .image(image.reference, module.reference)))
    }

    func add(_ chunk: CodeChunk) {
        add(
            Entry(
                start: chunk.base, end: chunk.base &+ UInt(chunk.bytes),
                code: .chunk(chunk.reference)))
    }

    private func add(_ entry: Entry) {
        entries.withLock { entries in
            entries.insert(entry, at: entries.partitioningIndex { $0.start > entry.start })
        }
    }

    /// Forgets the image or chunk that starts at `base`, if it is known.
    func remove(base: UInt) {
        entries.withLock { entries in
            let position = entries.partitioningIndex { $0.start > base }
            if position > 0, entries[position - 1].start == base {
                entries.remove(at: position - 1)
            }
        }
    }

    /// How many images are known.
    var count: Int { entries.withLock { $0.count } }
}
