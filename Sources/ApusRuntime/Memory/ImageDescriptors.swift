internal import ApusCollections
internal import ApusLocks
internal import CApusHost

/// The descriptors through which images are mapped.
///
/// A process has few descriptors, its host needs them, and modules may be many. So only the images
/// that were mapped last keep theirs; an image's contents do not need one, and a new file can be
/// made of them.
final class ImageDescriptors: Sendable {
    /// The one list: descriptors are the process's.
    static let shared = ImageDescriptors(limit: usualLimit)

    private struct Entry {
        var image: ObjectIdentifier
        var file: ImageFile
    }

    private let limit: Int
    /// In the order in which they were used, the last one at the end.
    private let entries = SystemMutex<[Entry]>([])

    /// At most `limit` images, and at least one, have descriptors.
    init(limit: Int) { self.limit = max(1, limit) }

    /// An eighth of what the process may have, and no more than 64.
    private static var usualLimit: Int { Int(min(64, apus_descriptor_limit() / 8)) }

    /// How many images have descriptors.
    var count: Int { entries.withLock { $0.count } }

    /// Keeps the file of `image`, which was just opened, as long as there is room.
    func add(_ file: ImageFile, of image: MemoryImage) {
        entries.withLock { entries in
            add(Entry(image: ObjectIdentifier(image), file: file), &entries)
        }
    }

    private func add(_ entry: Entry, _ entries: inout [Entry]) {
        while entries.count >= limit { apus_image_close(entries.removeFirst().file.descriptor) }
        entries.append(entry)
    }

    /// Calls `body` with the file of `image`, which `make` makes if it has none.
    ///
    /// That takes as long as the image is large, and is not done with the lock, for which the
    /// threads of all engines wait. Others may make the same file meanwhile, of which one stays.
    func with(
        _ image: MemoryImage, make: () throws(ResourceError) -> ImageFile,
        _ body: (ImageFile) throws(ResourceError) -> Void
    ) throws(ResourceError) {
        let name = ObjectIdentifier(image)
        let isDone = try entries.withLock { entries throws(ResourceError) in
            guard use(name, &entries) else { return false }
            try body(entries[entries.count - 1].file)
            return true
        }
        if isDone { return }
        let file = try make()
        try entries.withLock { entries throws(ResourceError) in
            if use(name, &entries) {
                apus_image_close(file.descriptor)
            } else {
                add(Entry(image: name, file: file), &entries)
            }
            try body(entries[entries.count - 1].file)
        }
    }

    /// Notes that the image is used now, if it has a file, which is the last one then.
    private func use(_ image: ObjectIdentifier, _ entries: inout [Entry]) -> Bool {
        guard let index = entries.lastIndex(where: { $0.image == image }) else { return false }
        if index < entries.count - 1 { entries.append(entries.remove(at: index)) }
        return true
    }

    /// Closes the descriptor of `image`, if it has one.
    func close(_ image: MemoryImage) {
        entries.withLock { entries in
            let name = ObjectIdentifier(image)
            guard let index = entries.lastIndex(where: { $0.image == name }) else { return }
            apus_image_close(entries.remove(at: index).file.descriptor)
        }
    }
}

/// Where an image can be mapped from.
struct ImageFile {
    var descriptor: Int32
    /// Where it begins in the file.
    var offset: UInt64 = 0
}
